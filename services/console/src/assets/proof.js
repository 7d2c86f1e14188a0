// The proof once more, in this browser: from the bytes of the entry to the root, and the log's signature over it (RFC 9162 section
// 2.1.3.2, C2SP tlog-checkpoint). What is checked is what stands on the page.
import { bytesOf, checkNote, hashOf, nodeHash, run } from './checking.js'
import { hexOf } from './digest.js'

const part = document.getElementById('proof-part')
async function checkInclusion() {
  const { leafIndex, treeSize, root, body } = part.dataset
  if (body === undefined) return 'the bytes of the entry are not shown to readers here'
  const answer = await fetch(body)
  if (!answer.ok) return 'the bytes of the entry could not be had'
  const siblings = [...document.querySelectorAll('#steps [data-sibling]')].map((row) =>
    bytesOf(row.dataset.sibling),
  )
  const leaf = await hashOf([Uint8Array.of(0), new Uint8Array(await answer.arrayBuffer())])
  const found = await rootFrom(leaf, BigInt(leafIndex), BigInt(treeSize), siblings)
  if (hexOf(found) !== root) throw new Error('the hashes lead to another root')
  for (const node of document.querySelectorAll('.tree .node:not(.given)')) node.classList.add('good')
}

async function rootFrom(leaf, index, size, siblings) {
  if (index >= size) throw new Error('the index is not in the tree')
  let [node, last, hash] = [index, size - 1n, leaf]
  for (const sibling of siblings) {
    if (last === 0n) throw new Error('the proof is too long')
    if ((node & 1n) === 1n || node === last) {
      hash = await nodeHash(sibling, hash)
      while ((node & 1n) === 0n && node !== 0n) {
        node >>= 1n
        last >>= 1n
      }
    } else hash = await nodeHash(hash, sibling)
    node >>= 1n
    last >>= 1n
  }
  if (last !== 0n) throw new Error('the proof is too short')
  return hash
}

function checkCheckpoint() {
  const { treeSize: size, root, logKey, keyHint } = part.dataset
  return checkNote(document.getElementById('checkpoint')?.textContent, { size, root, logKey, keyHint })
}

if (part !== null) {
  await run('inclusion', checkInclusion)
  await run('checkpoint', checkCheckpoint)
}

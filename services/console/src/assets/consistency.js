// Whether the log has only grown, once more in this browser (RFC 9162 section 2.1.4.2); and a head that the reader keeps here.
import { bytesOf, checkNote, nodeHash, run } from './checking.js'
import { hexOf } from './digest.js'

const part = document.getElementById('consistency-part')

async function checkConsistency() {
  const { oldSize, newSize, oldRoot, newRoot, hashes } = part.dataset
  if (oldSize === '0') return 'every tree begins with an empty one'
  const given = hashes === '' ? [] : hashes.split(' ').map(bytesOf)
  const [old, now] = await rootsFrom(BigInt(oldSize), BigInt(newSize), bytesOf(oldRoot), given)
  if (hexOf(old) !== oldRoot) throw new Error('the hashes lead to another root of the older tree')
  if (hexOf(now) !== newRoot) throw new Error('the hashes lead to another root of the newer tree')
  for (const node of document.querySelectorAll('.tree .node:not(.given)')) node.classList.add('good')
}

async function rootsFrom(oldSize, newSize, oldRoot, hashes) {
  if (oldSize > newSize) throw new Error('the newer tree is smaller')
  if (oldSize === newSize && hashes.length === 0) return [oldRoot, oldRoot]
  let [node, last] = [oldSize - 1n, newSize - 1n]
  while ((node & 1n) === 1n) [node, last] = [node >> 1n, last >> 1n]
  const [start, ...rest] = node === 0n ? [oldRoot, ...hashes] : hashes
  if (start === undefined) throw new Error('the proof is too short')
  let [old, now] = [start, start]
  for (const sibling of rest) {
    if (last === 0n) throw new Error('the proof is too long')
    if ((node & 1n) === 1n || node === last) {
      old = await nodeHash(sibling, old)
      now = await nodeHash(sibling, now)
      while ((node & 1n) === 0n && node !== 0n) [node, last] = [node >> 1n, last >> 1n]
    } else now = await nodeHash(now, sibling)
    ;[node, last] = [node >> 1n, last >> 1n]
  }
  if (last !== 0n) throw new Error('the proof is too short')
  return [old, now]
}

function checkHead(id, size, root) {
  const { logKey, keyHint } = part.dataset
  return checkNote(document.getElementById(id)?.textContent, { size, root, logKey, keyHint })
}

/** Of each log one, by its origin. */
const place = 'heads that were kept'
function kept() {
  try {
    return JSON.parse(localStorage.getItem(place) ?? '{}')
  } catch {
    // A browser that keeps nothing.
    return {}
  }
}
const state = document.getElementById('kept-state')

function offerKept() {
  const notes = Object.values(kept())
  const recall = document.getElementById('recall')
  recall.hidden = notes.length === 0
  recall.addEventListener('click', () => {
    const box = document.getElementById('head')
    const at = notes.indexOf(box.value)
    box.value = notes[(at + 1) % notes.length]
    state.textContent = `The head of ${box.value.split('\n')[0]} was filled in.`
  })
}

function offerToKeep() {
  const note = document.getElementById('newer').textContent
  const keep = document.getElementById('keep')
  keep.hidden = false
  keep.addEventListener('click', () => {
    localStorage.setItem(place, JSON.stringify({ ...kept(), [note.split('\n')[0]]: note }))
    keep.textContent = 'Kept'
    state.textContent = 'The newer head is kept in this browser, in place of one of the same log.'
  })
}

if (part !== null) {
  const { oldSize, newSize, oldRoot, newRoot } = part.dataset
  await run('consistency', checkConsistency)
  await run('older', () => checkHead('older', oldSize, oldRoot))
  await run('checkpoint', () => checkHead('newer', newSize, newRoot))
  offerToKeep()
}
offerKept()

// The proof once more, in this browser: from the bytes of the entry to the root, and the log's signature over it (RFC 9162 section
// 2.1.3.2, C2SP tlog-checkpoint). What is checked is what stands on the page.
import { hexOf } from './digest.js'

const part = document.getElementById('proof-part')
const { subtle } = globalThis.crypto ?? {}

async function show() {
  if (subtle === undefined) {
    tell('inclusion', 'unchecked', 'this page was not loaded by https')
    tell('checkpoint', 'unchecked', 'this page was not loaded by https')
    return
  }
  await run('inclusion', checkInclusion)
  await run('checkpoint', checkCheckpoint)
}

/** `check` returns why it could not be made, throws where it fails. */
async function run(name, check) {
  try {
    const why = await check()
    tell(name, why === undefined ? 'verified' : 'unchecked', why)
  } catch (error) {
    tell(name, 'failed', error.message)
  }
}

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
      hash = await hashOf([Uint8Array.of(1), sibling, hash])
      while ((node & 1n) === 0n && node !== 0n) {
        node >>= 1n
        last >>= 1n
      }
    } else hash = await hashOf([Uint8Array.of(1), hash, sibling])
    node >>= 1n
    last >>= 1n
  }
  if (last !== 0n) throw new Error('the proof is too short')
  return hash
}

async function checkCheckpoint() {
  const note = document.getElementById('checkpoint')?.textContent
  const { logKey, keyHint, treeSize, root } = part.dataset
  if (note === undefined) return 'the log gave no checkpoint'
  if (logKey === undefined) return 'the trusted root does not list this log'
  const end = note.indexOf('\n\n') + 1
  const [, size, rootText] = note.slice(0, end).split('\n')
  if (size !== treeSize || hexOf(base64(rootText ?? '')) !== root)
    throw new Error('the signed tree head is another one than the proof leads to')
  const spki = base64(logKey)
  const lines = note
    .slice(end + 1)
    .split('\n')
    .filter((line) => line.startsWith('\u2014 '))
  const blobs = lines.map((line) => base64(line.split(' ').at(-1)))
  const own = blobs.find((blob) => hexOf(blob.subarray(0, 4)) === keyHint)
  if (own === undefined) throw new Error('no line is by the key of the log')
  const signed = new TextEncoder().encode(note.slice(0, end))
  const good = await verify(spki, own.subarray(4), signed)
  if (good === undefined) return 'this browser does not know keys of that kind'
  if (!good) throw new Error('the signature is not by the key of the log')
}

const curves = { '06082a8648ce3d030107': ['P-256', 32], '06052b81040022': ['P-384', 48] }

/** Undefined for a key of another kind. */
async function verify(spki, signature, signed) {
  const head = hexOf(spki.subarray(0, 32))
  const [curve, width] = Object.entries(curves).find(([oid]) => head.includes(oid))?.[1] ?? []
  if (curve !== undefined) {
    const key = await subtle.importKey('spki', spki, { name: 'ECDSA', namedCurve: curve }, false, ['verify'])
    return subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, key, plainSignature(signature, width), signed)
  }
  if (!head.includes('06032b6570')) return undefined
  try {
    const key = await subtle.importKey('spki', spki, { name: 'Ed25519' }, false, ['verify'])
    return await subtle.verify({ name: 'Ed25519' }, key, signature, signed)
  } catch {
    return undefined
  }
}

/** DER to the two numbers alone, which is what browsers take. */
function plainSignature(der, width) {
  const plain = new Uint8Array(2 * width)
  let at = der[1] & 0x80 ? 2 + (der[1] & 0x7f) : 2
  for (const end of [width, 2 * width]) {
    const length = der[at + 1]
    const number = der.subarray(at + 2, at + 2 + length)
    const short = number.subarray(Math.max(0, length - width))
    plain.set(short, end - short.length)
    at += 2 + length
  }
  return plain
}

const marks = { verified: ['✓', 'verified'], failed: ['✗', 'failed'], unchecked: ['–', 'not checked'] }

function tell(name, state, why) {
  for (const cell of document.querySelectorAll('.checks .by-browser')) cell.hidden = false
  const cell = document.querySelector(`[data-check="${name}"] .by-browser`)
  const [mark, word] = marks[state]
  const shown = document.createElement('span')
  shown.className = `state ${state}`
  const sign = document.createElement('span')
  sign.setAttribute('aria-hidden', 'true')
  sign.textContent = mark
  shown.append(sign, ` ${word}`)
  cell.replaceChildren(shown)
  if (why === undefined) return
  const reason = document.createElement('span')
  reason.className = 'why'
  reason.textContent = ` ${why}`
  cell.append(reason)
}

async function hashOf(parts) {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const each of parts) {
    all.set(each, at)
    at += each.length
  }
  return new Uint8Array(await subtle.digest('SHA-256', all))
}

function bytesOf(hex) {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
}

function base64(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
}

if (part !== null) await show()

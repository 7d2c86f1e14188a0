// What pages with proofs share: hashing, signatures of heads (C2SP signed-note), and telling what was found.
import { hexOf } from './digest.js'

const { subtle } = globalThis.crypto ?? {}

/** Runs `check` and tells of it: it returns why it could not be made, and throws where it fails. */
export async function run(name, check) {
  if (subtle === undefined) {
    tell(name, 'unchecked', 'this page was not loaded by https')
    return
  }
  try {
    const why = await check()
    tell(name, why === undefined ? 'verified' : 'unchecked', why)
  } catch (error) {
    tell(name, 'failed', error.message)
  }
}

/** Of two nodes of a tree, their parent (RFC 6962 section 2.1). */
export function nodeHash(left, right) {
  return hashOf([Uint8Array.of(1), left, right])
}

/** Why the signature was not checked; throws where it or the head is another than expected. */
export async function checkNote(note, { size, root, logKey, keyHint }) {
  if (note === undefined) return 'the log gave no checkpoint'
  if (logKey === undefined) return 'the trusted root does not list this log'
  const end = note.indexOf('\n\n') + 1
  const [, sizeText, rootText] = note.slice(0, end).split('\n')
  if (sizeText !== size || hexOf(base64(rootText ?? '')) !== root)
    throw new Error('the signed tree head is another one than the proof leads to')
  const lines = note
    .slice(end + 1)
    .split('\n')
    .filter((line) => line.startsWith('\u2014 '))
  const blobs = lines.map((line) => base64(line.split(' ').at(-1)))
  const own = blobs.find((blob) => hexOf(blob.subarray(0, 4)) === keyHint)
  if (own === undefined) throw new Error('no line is by the key of the log')
  const signed = new TextEncoder().encode(note.slice(0, end))
  const good = await verify(base64(logKey), own.subarray(4), signed)
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

export async function hashOf(parts) {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const each of parts) {
    all.set(each, at)
    at += each.length
  }
  return new Uint8Array(await subtle.digest('SHA-256', all))
}

export function bytesOf(hex) {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
}

function base64(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
}

/**
 * Keys of signature lines as operators exchange them: `<name>+<8 hex digits>+<base64(type ‖ key)>` (C2SP signed-note, "Verifier keys").
 */
import {
  concatBytes,
  equalBytes,
  mlDsaKeyBytes,
  type PublicKey,
  parseBase64,
  parsePublicKey,
  quoted,
  sha256,
  toBase64,
  toHex,
  utf8,
} from '@sigstack/crypto'
import { CheckpointError } from './errors.ts'
import { isKeyName, keyHintBytes } from './signed-note.ts'

/**
 * `ed25519` and `ecdsa` sign the text of a note, and are of logs; `cosignature` (Ed25519 with a time) is of witnesses; `ml-dsa-44` is of
 * both.
 */
export type NoteKeyKind = 'ed25519' | 'ecdsa' | 'cosignature' | 'ml-dsa-44'

export type NoteKey = {
  readonly name: string
  readonly kind: NoteKeyKind
  readonly keyHint: Uint8Array
  /** Raw, but of ECDSA the SubjectPublicKeyInfo. Equal material is the same key, whatever name and kind are. */
  readonly material: Uint8Array
  /** What verifies; of ML-DSA it is the material. */
  readonly publicKey: PublicKey | undefined
}

const types = { ed25519: 0x01, ecdsa: 0x02, cosignature: 0x04, 'ml-dsa-44': 0x06 } as const

/** Of RFC 8410, up to the key itself. */
const ed25519SpkiHead = Buffer.from('302a300506032b6570032100', 'hex')
/** Of an ML-DSA key it is some 1,760 characters and its name. */
const longestVkey = 4_096
/** It stands in one byte in what ML-DSA signs. */
const longestMlDsaName = 255

/** Throws `bad_key` for a name that cannot stand in a line, or material that is no key of the kind. */
export function noteKey(name: string, kind: NoteKeyKind, material: Uint8Array): NoteKey {
  if (!isKeyName(name)) throw bad(`the name ${quoted(name)} is empty, or holds white space or a plus sign`)
  if (kind === 'ml-dsa-44') {
    if (material.length !== mlDsaKeyBytes) throw bad(`an ML-DSA-44 key has ${mlDsaKeyBytes} bytes`)
    if (utf8(name).length > longestMlDsaName)
      throw bad(`the name of an ML-DSA-44 key has at most ${longestMlDsaName} bytes`)
    return { name, kind, material, keyHint: hintOf(name, kind, material), publicKey: undefined }
  }
  const publicKey = publicKeyOf(kind, material)
  if (publicKey.type !== (kind === 'ecdsa' ? 'ecdsa' : 'ed25519')) throw bad('the key is of another kind')
  return { name, kind, material, keyHint: hintOf(name, kind, material), publicKey }
}

/** The key of a log, or of a witness, in this process. */
export function noteKeyOf(name: string, key: PublicKey, role: 'log' | 'witness'): NoteKey {
  if (key.type === 'ed25519') return noteKey(name, role === 'log' ? 'ed25519' : 'cosignature', key.raw)
  if (key.type === 'ecdsa' && role === 'log') return noteKey(name, 'ecdsa', key.spki)
  throw bad(`an ${key.type.toUpperCase()} key is none of a ${role}`)
}

/** Throws `bad_key`; its message says nothing of more than the name. */
export function parseNoteKey(text: string): NoteKey {
  if (text.length > longestVkey) throw bad(`it is longer than ${longestVkey} characters`)
  // Names hold no plus sign, base64 does.
  const first = text.indexOf('+')
  const second = text.indexOf('+', first + 1)
  if (first < 1 || second === -1) throw bad('it is no NAME+ID+KEY')
  const name = text.slice(0, first)
  const hint = text.slice(first + 1, second)
  if (!/^[0-9a-f]{8}$/.test(hint)) throw bad(`the ID of ${quoted(name)} is not 8 hexadecimal digits`)
  const bytes = bytesOf(text.slice(second + 1), name)
  const kind = kindOf(bytes[0])
  if (kind === undefined) throw bad(`the key of ${quoted(name)} is of a kind that is not verified here`)
  const key = noteKey(name, kind, bytes.subarray(1))
  if (toHex(key.keyHint) !== hint) throw bad(`the ID of ${quoted(name)} is not that of its name and key`)
  return key
}

export function encodeNoteKey({ name, kind, keyHint, material }: NoteKey): string {
  return `${name}+${toHex(keyHint)}+${toBase64(concatBytes(Uint8Array.of(types[kind]), material))}`
}

/** Whether both are the same key, be it under two names. */
export function isSameKey(a: NoteKey, b: NoteKey): boolean {
  return equalBytes(a.material, b.material)
}

function hintOf(name: string, kind: NoteKeyKind, material: Uint8Array): Uint8Array {
  const hashed =
    kind === 'ecdsa' ? material : concatBytes(utf8(`${name}\n`), Uint8Array.of(types[kind]), material)
  return sha256(hashed).subarray(0, keyHintBytes)
}

function publicKeyOf(kind: 'ed25519' | 'ecdsa' | 'cosignature', material: Uint8Array): PublicKey {
  try {
    return parsePublicKey(kind === 'ecdsa' ? material : concatBytes(ed25519SpkiHead, material))
  } catch (cause) {
    throw bad('its key is not a valid one', cause)
  }
}

function bytesOf(text: string, name: string): Uint8Array {
  try {
    const bytes = parseBase64(text)
    if (toBase64(bytes) === text) return bytes
  } catch {
    // Told below.
  }
  throw bad(`the key of ${quoted(name)} is not base64`)
}

function kindOf(type: number | undefined): NoteKeyKind | undefined {
  return (Object.keys(types) as NoteKeyKind[]).find((kind) => types[kind] === type)
}

function bad(why: string, cause?: unknown): CheckpointError {
  return new CheckpointError('bad_key', `not a key of notes: ${why}`, { cause })
}

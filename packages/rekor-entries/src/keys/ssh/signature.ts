/** SSH signatures of files: SSHSIG version 1 (PROTOCOL.sshsig of OpenSSH), namespace `file`. */
import {
  asBuffer,
  CryptoError,
  concatBytes,
  der,
  derTag,
  derUnsignedInteger,
  digest,
  encodePem,
  equalBytes,
  type HashAlgorithm,
  parsePemBlock,
  sha256,
  utf8,
} from '@sigstack/crypto'
import { EntryError } from '../../errors.ts'
import { verifySignature } from '../checks.ts'
import { parseSshKey, type SshKey } from './public-key.ts'
import { wireReader, wireString, wireUint32 } from './wire.ts'

export type SshSignature = {
  /** Written anew: namespace `file`, hash `sha512` whatever was sent, 64 columns. The form in which the log holds it. */
  readonly armored: string
  /** The key that is named in it. */
  readonly key: SshKey
  readonly format: string
  readonly blob: Uint8Array
  /** Of a security token: flags and counter. */
  readonly rest: Uint8Array
}

const signatureLimitBytes = 65_536
/** base64 of {@link signatureLimitBytes}. */
export const sshSignatureContentLimit = 88_000
const pemType = 'SSH SIGNATURE'
const magic = utf8('SSHSIG')
const namespace = 'file'

/** Refuses with `bad_signature`, or `bad_public_key` where the key in it is broken. */
export function parseSshSignature(content: Uint8Array): SshSignature {
  if (content.length > signatureLimitBytes) throw refused(`more than ${signatureLimitBytes} bytes`)
  const reader = wireReader(unarmor(content), 'bad_signature')
  if (!equalBytes(reader.bytes(magic.length), magic)) throw malformed('invalid magic header')
  const version = reader.uint32()
  if (version !== 1) throw malformed(`unsupported signature version: ${version}`)
  const key = parseSshKey(reader.string())
  const signedNamespace = reader.text()
  if (signedNamespace !== namespace)
    throw malformed(`invalid signature namespace: ${signedNamespace.slice(0, 64)}`)
  reader.string()
  const hash = reader.text()
  if (hash !== 'sha256' && hash !== 'sha512')
    throw malformed(`unsupported hash algorithm: ${hash.slice(0, 64)}`)
  const signature = reader.string()
  reader.end()
  const parts = wireReader(signature, 'bad_signature')
  const format = parts.text()
  const blob = parts.string()
  return { armored: armor(key, signature), key, format, blob, rest: parts.rest() }
}

/** Throws `bad_signature`. The hash is SHA-512 whatever the signature says, since it is what the log's form says. */
export async function verifySshSignature(
  key: SshKey,
  signature: SshSignature,
  message: Uint8Array,
): Promise<void> {
  const { hash, bytes } = parseBlob(key, signature)
  if (!equalBytes(key.blob, signature.key.blob)) throw refused('the signature names another key')
  const hashed = digest('sha512', message)
  const signed = concatBytes(
    magic,
    wireString(namespace),
    wireString(''),
    wireString('sha512'),
    wireString(hashed),
  )
  if (!(await verifySignature(key.publicKey, hash, signedByToken(key, signature, signed), bytes)))
    throw key.publicKey.type === 'rsa'
      ? new EntryError('bad_signature', 'crypto/rsa: verification error')
      : refused('signature did not verify')
}

function unarmor(content: Uint8Array): Uint8Array {
  const text = asBuffer(content).toString('latin1')
  try {
    const { block } = parsePemBlock(text)
    if (block.type === pemType) return block.der
    throw malformed(`wrong pem block type: ${block.type.slice(0, 64)}. Expected SSH-SIGNATURE`)
  } catch (cause) {
    if (!(cause instanceof CryptoError)) throw cause
    throw malformed('unable to decode pem file')
  }
}

function armor(key: SshKey, signature: Uint8Array): string {
  const wire = concatBytes(
    magic,
    wireUint32(1),
    wireString(key.blob),
    wireString(namespace),
    wireString(''),
    wireString('sha512'),
    wireString(signature),
  )
  return encodePem(pemType, wire)
}

/** A security token signs the hash of its application, flags and counter, and the hash of the message (PROTOCOL.u2f). */
function signedByToken({ application }: SshKey, { rest }: SshSignature, message: Uint8Array): Uint8Array {
  if (application === undefined) return message
  if (rest.length !== 5) throw refused('a token signs flags and a counter')
  return concatBytes(sha256(application), rest, sha256(message))
}

/** How the key hashes, and the signature as the rest of the house takes it. SHA-1 (`ssh-rsa`) is refused. */
function parseBlob(
  key: SshKey,
  { format, blob, rest }: SshSignature,
): { hash: HashAlgorithm; bytes: Uint8Array } {
  if (key.application === undefined && rest.length > 0) throw refused('trailing bytes')
  if (key.publicKey.type === 'rsa') {
    if (format === 'rsa-sha2-512') return { hash: 'sha512', bytes: blob }
    if (format === 'rsa-sha2-256') return { hash: 'sha256', bytes: blob }
  } else if (format === key.type) {
    if (key.publicKey.type === 'ed25519') return { hash: 'sha512', bytes: blob }
    const reader = wireReader(blob, 'bad_signature')
    const integers = [reader.mpint(), reader.mpint()].map(derUnsignedInteger)
    reader.end()
    const hashOfCurve = { 'P-256': 'sha256', 'P-384': 'sha384', 'P-521': 'sha512' } as const
    return { hash: hashOfCurve[key.publicKey.curve], bytes: der(derTag.sequence, ...integers) }
  }
  throw refused(`signature type ${format.slice(0, 64)} for key type ${key.type}`)
}

function malformed(reason: string): EntryError {
  return new EntryError('bad_signature', reason)
}

function refused(reason: string): EntryError {
  return new EntryError('bad_signature', `ssh: ${reason}`)
}

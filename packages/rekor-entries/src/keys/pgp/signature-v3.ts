/**
 * Signatures of version 3 (RFC 4880 section 5.2.2), which the library no longer knows. Distributions signed packages and
 * repositories with them until lately.
 */
import { createVerify } from 'node:crypto'
import { asBuffer, type PublicKey } from '@sigstack/crypto'
import type { PublicKey as PgpKey, Subkey } from 'openpgp'
import { EntryError } from '../../errors.ts'
import { type PgpSigner, pgpSignerOf, publicKeyOf } from './signer.ts'
import { withCrLf } from './text.ts'

export type PgpSignatureV3 = {
  readonly type: number
  readonly created: Date
  /** Sixteen lower-case hex digits. */
  readonly keyId: string
  readonly hash: string
  /** Type and time, which are hashed after the data. */
  readonly hashedTrailer: Uint8Array
  readonly signature: Uint8Array
}

const headBytes = 19
const textDocument = 1
const rsaAlgorithms: ReadonlySet<number> = new Set([1, 3])
/** MD5, SHA-1 and RIPEMD-160 are not among them: anyone may find two packages with one of these digests. */
const hashes: ReadonlyMap<number, string> = new Map([
  [8, 'sha256'],
  [9, 'sha384'],
  [10, 'sha512'],
  [11, 'sha224'],
])

/** The body of a signature packet whose version is 3. Throws `bad_signature` for one by other than RSA and SHA-2. */
export function parsePgpSignatureV3(packetBody: Uint8Array): PgpSignatureV3 {
  const body = asBuffer(packetBody)
  if (body.length < headBytes + 2 || body[1] !== 5) throw refused('a broken signature of version 3')
  const hash = hashes.get(body.readUInt8(16))
  if (hash === undefined || !rsaAlgorithms.has(body.readUInt8(15)))
    throw refused('a signature of version 3 that is not by RSA and SHA-2')
  return {
    type: body.readUInt8(2),
    created: new Date(body.readUInt32BE(3) * 1000),
    keyId: body.toString('hex', 7, 15),
    hash,
    hashedTrailer: body.subarray(2, 7),
    signature: parseMpi(body.subarray(headBytes)),
  }
}

/**
 * As for other versions: by a subkey of `key`, or itself, that was valid when the signature says it was made. `message` is text of
 * which the line ends do not count, where the type says so. Throws `bad_signature`.
 */
export async function verifyPgpSignatureV3(
  key: PgpKey,
  signature: PgpSignatureV3,
  message: Uint8Array,
): Promise<PgpSigner> {
  const signer = [key, ...key.subkeys].find((candidate) => candidate.getKeyID().toHex() === signature.keyId)
  if (signer === undefined) throw refused('signature made by unknown entity')
  await assertValid(key, signer, signature.created)
  const publicKey = publicKeyOf(signer)
  if (publicKey?.type !== 'rsa') throw refused('the key is not of RSA')
  const signed = signature.type === textDocument ? withCrLf(message) : message
  if (!isSignedBy(publicKey, signature, signed)) throw refused("invalid signature: hash tag doesn't match")
  return pgpSignerOf(key, signer)
}

async function assertValid(key: PgpKey, signer: PgpKey | Subkey, at: Date): Promise<void> {
  try {
    await key.getSigningKey(signer.getKeyID(), at)
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause
    throw refused(`invalid signature: ${cause.message.slice(0, 200)}`)
  }
}

function isSignedBy(key: PublicKey, signature: PgpSignatureV3, message: Uint8Array): boolean {
  // RSA wants as many bytes as the modulus has, and an MPI has no zeros in front.
  const length = key.type === 'rsa' ? Math.ceil(key.modulusBits / 8) : 0
  if (signature.signature.length > length) return false
  const padded = Buffer.alloc(length)
  padded.set(signature.signature, length - signature.signature.length)
  return createVerify(signature.hash)
    .update(message)
    .update(signature.hashedTrailer)
    .verify(key.keyObject, padded)
}

/** RFC 4880 section 3.2: length in bits, then the number; nothing may follow. */
function parseMpi(bytes: Buffer): Uint8Array {
  const length = Math.ceil(bytes.readUInt16BE(0) / 8)
  if (bytes.length !== 2 + length) throw refused('a broken signature of version 3')
  return bytes.subarray(2)
}

function refused(reason: string): EntryError {
  return new EntryError('bad_signature', `openpgp: ${reason}`)
}

/**
 * Signatures of version 3 (RFC 4880 section 5.2.2), which the library no longer knows. Distributions signed their packages with them
 * until lately; nothing else here takes them.
 */
import { createVerify } from 'node:crypto'
import {
  asBuffer,
  CryptoError,
  der,
  derOid,
  derTag,
  derUnsignedInteger,
  type PublicKey,
  parsePublicKey,
} from '@sigstack/crypto'
import type { PublicKey as PgpKey, Subkey } from 'openpgp'
import { EntryError } from '../../errors.ts'
import type { PgpKeyRing } from './key-ring.ts'
import { packetType, readPackets } from './packets.ts'
import { unsupportedOf } from './signature.ts'

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
const binaryDocument = 0
const rsaAlgorithms: ReadonlySet<number> = new Set([1, 3])
/** MD5, SHA-1 and RIPEMD-160 are not among them: anyone may find two packages with one of these digests. */
const hashes: ReadonlyMap<number, string> = new Map([
  [8, 'sha256'],
  [9, 'sha384'],
  [10, 'sha512'],
  [11, 'sha224'],
])

/** `undefined` for what is no signature of version 3. Throws `bad_signature` for one by other than RSA and SHA-2. */
export function parsePgpSignatureV3(content: Uint8Array): PgpSignatureV3 | undefined {
  const [packet, surplus] = readPackets(content, 2, 'bad_signature')
  if (packet?.type !== packetType.signature || packet.body[0] !== 3 || surplus !== undefined) return undefined
  const body = asBuffer(packet.body)
  if (body.length < headBytes + 2 || body[1] !== 5) throw refused('a broken signature of version 3')
  const hash = hashes.get(body.readUInt8(16))
  if (hash === undefined || !rsaAlgorithms.has(body.readUInt8(15)))
    throw refused('a signature of version 3 that is not by RSA and SHA-2')
  const type = body.readUInt8(2)
  if (type !== binaryDocument) throw refused('not a signature of a document')
  return {
    type,
    created: new Date(body.readUInt32BE(3) * 1000),
    keyId: body.toString('hex', 7, 15),
    hash,
    hashedTrailer: body.subarray(2, 7),
    signature: parseMpi(body.subarray(headBytes)),
  }
}

/** As for other versions: by a key of the ring that was valid when the signature says it was made. Throws `bad_signature`. */
export async function verifyPgpSignatureV3(
  ring: PgpKeyRing,
  signature: PgpSignatureV3,
  message: Uint8Array,
): Promise<void> {
  for (const key of ring.keys) {
    const signer = [key, ...key.subkeys].find((candidate) => candidate.getKeyID().toHex() === signature.keyId)
    if (signer === undefined) continue
    const unsupported = unsupportedOf(key, { issuerKeyID: signer.getKeyID() })
    if (unsupported !== undefined) throw refused(unsupported)
    await assertValid(key, signer, signature.created)
    if (isSignedBy(rsaKeyOf(signer), signature, message)) return
    throw refused("invalid signature: hash tag doesn't match")
  }
  throw refused('signature made by unknown entity')
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

function rsaKeyOf(signer: PgpKey | Subkey): PublicKey {
  // The library types them as of any algorithm.
  const { n, e } = signer.keyPacket.publicParams as { readonly n?: unknown; readonly e?: unknown }
  if (!(n instanceof Uint8Array && e instanceof Uint8Array)) throw refused('the key is not of RSA')
  const algorithm = der(derTag.sequence, derOid('1.2.840.113549.1.1.1'), der(derTag.null))
  const key = der(derTag.sequence, derUnsignedInteger(n), derUnsignedInteger(e))
  try {
    return parsePublicKey(der(derTag.sequence, algorithm, der(derTag.bitString, Uint8Array.of(0), key)))
  } catch (cause) {
    if (!(cause instanceof CryptoError)) throw cause
    throw refused(cause.message)
  }
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

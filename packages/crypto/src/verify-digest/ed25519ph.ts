/** Ed25519ph (RFC 8032 section 5.1) over a given SHA-512 digest, with an empty context. */
import { ed25519 } from '@noble/curves/ed25519.js'
import { equalBytes } from '../bytes.ts'
import { digest as hashOf } from '../digest.ts'

const { Point } = ed25519
/** dom2(1, ""): the fixed text, phflag 1, context length 0. */
const domain = Buffer.from('SigEd25519 no Ed25519 collisions\u0001\u0000', 'latin1')

export function verifyEd25519ph(publicKey: Uint8Array, digest: Uint8Array, signature: Uint8Array): boolean {
  if (digest.length !== 64 || signature.length !== 64) return false
  const commitment = signature.subarray(0, 32)
  const s = littleEndian(signature.subarray(32))
  // Section 5.1.7, step 1: without this bound every signature would have a second form.
  if (s >= Point.Fn.ORDER) return false
  const k =
    littleEndian(hashOf('sha512', Buffer.concat([domain, commitment, publicKey, digest]))) % Point.Fn.ORDER
  try {
    const key = Point.fromBytes(publicKey)
    // R = [s]B - [k]A, compared in encoded form: the signature's R need not be decoded.
    const expected = Point.BASE.multiplyUnsafe(s).add(key.negate().multiplyUnsafe(k))
    return equalBytes(expected.toBytes(), commitment)
  } catch {
    return false
  }
}

function littleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`)
}

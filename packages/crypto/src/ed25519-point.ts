/** Which encoded points are keys that somebody can own. */
import { CryptoError } from './errors.ts'

/** 2^255 - 19, big-endian. */
const prime = Buffer.from(`7f${'ff'.repeat(30)}ed`, 'hex')

/** The y of each point of order 1, 2, 4 or 8, big-endian, in its one encoding below the prime. */
const smallOrder: ReadonlySet<string> = new Set([
  '00'.repeat(32),
  `${'00'.repeat(31)}01`,
  `7f${'ff'.repeat(30)}ec`,
  '7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7',
  '05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826',
])

/**
 * Refuses the points of small order: with them signatures can be made for every message, by everybody. Also refuses encodings
 * of 2^255 - 19 and more (RFC 8032 section 5.1.3), which would be a second spelling of a key.
 */
export function assertOwnable(raw: Uint8Array): void {
  const y = Buffer.from(raw).reverse()
  // The sign of x. Points of small order have both, or an x of zero.
  y[0] = (y[0] ?? 0) & 0x7f
  if (Buffer.compare(y, prime) >= 0)
    throw new CryptoError('bad_public_key', 'the bytes are not the encoding of an Ed25519 key')
  if (smallOrder.has(y.toString('hex')))
    throw new CryptoError('bad_public_key', 'nobody owns an Ed25519 key of small order')
}

/** Which public keys are too weak to be certified, by the rules of Let's Encrypt and Sigstore. */
import { asBuffer, derTag, type PublicKey, readDerChildren, readOnlyDer } from '@sigstack/crypto'
import { X509Error } from './errors.ts'

const modulusSizes = [2048, 3072, 4096]
const fermatRounds = 100

/**
 * Throws `weak_key`. RSA: exactly 2048, 3072 or 4096 bits, exponent 65537, no small prime factor, no key of the ROCA
 * generator (CVE-2017-15361), no two primes close together (Fermat). An elliptic curve point in range and on its
 * curve is already what `parsePublicKey` demands, and these curves have no small subgroups; Ed25519 needs no check.
 */
export function assertStrongKey(publicKey: PublicKey): void {
  if (publicKey.type !== 'rsa') return
  if (!modulusSizes.includes(publicKey.modulusBits))
    throw weak(`RSA keys must have 2048, 3072 or 4096 bits, this one has ${publicKey.modulusBits}`)
  if (publicKey.exponent !== 65537n)
    throw weak(`the exponent of an RSA key must be 65537, this one is ${publicKey.exponent}`)
  const modulus = modulusOf(publicKey.spki)
  for (const prime of smallPrimes)
    if (modulus % prime === 0n) throw weak(`the modulus of the RSA key is divisible by ${prime}`)
  if (hasRocaPattern(modulus)) throw weak('the RSA key comes from a generator with the ROCA flaw')
  if (hasCloseFactors(modulus)) throw weak('the two primes of the RSA key lie too close together')
}

/** A modulus of the flawed generator is a power of 65537 modulo every small prime; others are so once in 2^27. */
function hasRocaPattern(modulus: bigint): boolean {
  return rocaGroups.every(({ prime, powers }) => powers.has(modulus % prime))
}

/** Fermat's factorisation: the first squares above the modulus, each less the modulus, is none a square? */
function hasCloseFactors(modulus: bigint): boolean {
  let root = squareRoot(modulus)
  if (root * root < modulus) root++
  for (let round = 0; round < fermatRounds; round++, root++) {
    const rest = root * root - modulus
    // Most numbers are no squares already modulo 64 and 3465, so the costly root is seldom taken.
    if (!squaresBelow64.has(rest & 63n) || !squaresBelow3465.has(rest % 3465n)) continue
    const half = squareRoot(rest)
    if (half * half === rest) return true
  }
  return false
}

/** The floor of the square root, by Newton's method from above. */
function squareRoot(value: bigint): bigint {
  if (value < 2n) return value
  let root = 1n << BigInt((value.toString(16).length * 4 + 1) >> 1)
  for (;;) {
    const next = (root + value / root) >> 1n
    if (next >= root) return root
    root = next
  }
}

function modulusOf(spki: Uint8Array): bigint {
  const [, bits] = readDerChildren(readOnlyDer(spki, derTag.sequence).content, 2)
  if (bits === undefined) throw weak('the RSA key does not parse')
  const [modulus] = readDerChildren(readOnlyDer(bits.content.subarray(1), derTag.sequence).content, 2)
  if (modulus === undefined || modulus.content.length === 0) throw weak('the RSA key does not parse')
  return BigInt(`0x${asBuffer(modulus.content).toString('hex')}`)
}

function weak(message: string): X509Error {
  return new X509Error('weak_key', message)
}

const smallPrimes = primesBelow(752)

const rocaGroups = primesBelow(168)
  .filter((prime) => prime > 2n)
  .map((prime) => {
    const powers = new Set<bigint>()
    for (let power = 1n; !powers.has(power); power = (power * 65537n) % prime) powers.add(power)
    return { prime, powers }
  })
  // Where the powers are all numbers but 0 the prime tells nothing.
  .filter(({ prime, powers }) => BigInt(powers.size) < prime - 1n)

const squaresBelow64 = squaresModulo(64n)
const squaresBelow3465 = squaresModulo(3465n)

function squaresModulo(modulus: bigint): ReadonlySet<bigint> {
  const squares = new Set<bigint>()
  for (let i = 0n; i < modulus; i++) squares.add((i * i) % modulus)
  return squares
}

function primesBelow(limit: number): readonly bigint[] {
  const primes: number[] = []
  for (let candidate = 2; candidate < limit; candidate++)
    if (primes.every((prime) => candidate % prime !== 0)) primes.push(candidate)
  return primes.map(BigInt)
}

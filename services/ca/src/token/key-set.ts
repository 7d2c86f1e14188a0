/**
 * The keys that an identity provider publishes: a JSON Web Key Set (RFC 7517), read as Fulcio's verifier reads it. What
 * others write is odd in many ways, so each key is read by itself, only its numbers and what narrows its use count
 * (`key_ops`, `ext`, `x5c` and the like do not), and null and "" are as absent.
 */
import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import { isObject, memberAt } from '@sigstack/crypto'

export type IssuerKey = {
  /** Undefined: it has no name. */
  readonly keyId: string | undefined
  /** Whether it is one for this algorithm of JWS. */
  fits(algorithm: string): boolean
  /** Made once. Throws a phrase that says why it cannot be used. */
  open(): KeyObject
}

export const acceptedAlgorithms: readonly string[] = [
  'RS256',
  'RS384',
  'RS512',
  'ES256',
  'ES384',
  'ES512',
  'PS256',
  'PS384',
  'PS512',
  'EdDSA',
]

const algorithmsOfCurve: Readonly<Record<string, string>> = {
  'P-256': 'ES256',
  'P-384': 'ES384',
  'P-521': 'ES512',
  Ed25519: 'EdDSA',
}
const numbersOf: Readonly<Record<string, readonly string[]>> = {
  RSA: ['n', 'e'],
  EC: ['crv', 'x', 'y'],
  OKP: ['crv', 'x'],
}
/** RFC 7518 sections 3.3 and 3.5. */
const leastRsaBits = 2048
/** With the exponent 1 a signature is what it signs, and anybody makes one. Go, and so Fulcio, takes none above this. */
const rsaExponents = { least: 3n, most: 2n ** 31n - 1n }

/** The keys of the set that sign; what else is in it is passed over. Undefined when `value` is no key set. */
export function parseKeySet(value: unknown): readonly IssuerKey[] | undefined {
  const keys = isObject(value) ? value['keys'] : undefined
  if (!Array.isArray(keys)) return undefined
  return keys.flatMap((key: unknown) => (isObject(key) ? (issuerKeyOf(key) ?? []) : []))
}

function issuerKeyOf(key: Members): IssuerKey | undefined {
  const kty = textOf(key, 'kty') ?? ''
  const names = Object.hasOwn(numbersOf, kty) ? numbersOf[kty] : undefined
  // Keys for encryption sign nothing, and symmetric ones have no place in a public set.
  const own = textOf(key, 'alg')
  if (names === undefined || textOf(key, 'use') === 'enc' || isForEncryption(own)) return undefined
  // Only names that are known narrow its use: some issuers write `RSA` or `RSA256` here.
  const onlyFor = own !== undefined && acceptedAlgorithms.includes(own) ? own : undefined
  const curve = kty === 'RSA' ? undefined : textOf(key, 'crv')
  const ofType = (algorithm: string): boolean =>
    kty === 'RSA' ? /^[RP]S/.test(algorithm) : algorithmsOfCurve[curve ?? ''] === algorithm
  let opened: KeyObject | undefined
  return {
    keyId: textOf(key, 'kid'),
    fits: (algorithm) => ofType(algorithm) && (onlyFor ?? algorithm) === algorithm,
    open() {
      opened ??= openKey({ kty, ...Object.fromEntries(names.map((name) => [name, textOf(key, name)])) })
      return opened
    },
  }
}

function isForEncryption(algorithm = ''): boolean {
  return /^(?:RSA-OAEP|RSA1_5|ECDH-ES)/.test(algorithm)
}

function openKey(jwk: JsonWebKey): KeyObject {
  let key: KeyObject
  try {
    key = createPublicKey({ key: jwk, format: 'jwk' })
  } catch (cause) {
    throw new Error(`it is no valid ${jwk.kty} key`, { cause })
  }
  const { modulusLength: bits, publicExponent: exponent } = key.asymmetricKeyDetails ?? {}
  if (bits !== undefined && bits < leastRsaBits)
    throw new Error(`it has ${bits} bits, and at least ${leastRsaBits} are needed`)
  if (exponent !== undefined && !isRsaExponent(exponent))
    throw new Error(`its exponent must be odd, and from ${rsaExponents.least} to ${rsaExponents.most}`)
  return key
}

function isRsaExponent(exponent: bigint): boolean {
  return exponent >= rsaExponents.least && exponent <= rsaExponents.most && exponent % 2n === 1n
}

type Members = Readonly<Record<string, unknown>>

/** Undefined also for null, "" and what is no text. */
function textOf(key: Members, name: string): string | undefined {
  const value = memberAt(key, name)
  return typeof value === 'string' && value !== '' ? value : undefined
}

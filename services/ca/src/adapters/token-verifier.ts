/**
 * Identity tokens: compact JWTs of configured issuers (fulcio.md section 4.3). Whatever comes before the signature check
 * reads unverified data, so it is bounded, and decides only which configured issuer's keys are tried.
 */
import { type JsonValue, parseBase64Url } from '@sigstack/crypto'
import { type CryptoKey, compactVerify, importJWK, type JWK } from 'jose'
import { type Claims, quoted, readClaim, readStringClaim } from '../identity/claims.ts'
import type { FindIssuer } from '../identity/find-issuer.ts'
import type { AuthenticateToken } from '../issuance/dependencies.ts'
import { refuseToken } from '../issuance/issuance-error.ts'
import { parseStrictJson, StrictJsonError } from '../json/strict-json.ts'
import type { IssuerKeys, ReadIssuerKeys } from './issuer-keys.ts'

export type TokenVerifierOptions = {
  readonly findIssuer: FindIssuer
  readonly readKeys: ReadIssuerKeys
  readonly now: () => Date
}

const maxTokenBytes = 16 * 1024
const allowedNotBeforeSeconds = 5 * 60
/** A token without key id is tried with this many keys at most. */
const mostCandidates = 8

export function createTokenVerifier({ findIssuer, readKeys, now }: TokenVerifierOptions): AuthenticateToken {
  const importKey = createImportKey()

  return async (token) => {
    const { header, claims } = decodeToken(token)
    const issuerUrl = issuerUrlOf(claims)
    const issuer = findIssuer(issuerUrl)
    // Before anything is fetched: a token must not be able to name where its keys come from.
    if (issuer === undefined)
      throw refuseToken(
        'issuer_not_configured',
        `iss is ${quoted(issuerUrl)}, which is not among the configured issuers`,
      )
    let keys = await readKeys(issuerUrl)
    const algorithm = readAlgorithm(header, keys)
    const keyId = readKeyId(header)
    let candidates = candidatesFor(keys, algorithm, keyId)
    if (candidates.length === 0 && keyId !== undefined) {
      keys = await readKeys.lookUp(issuerUrl, keyId, keys)
      candidates = candidatesFor(keys, algorithm, keyId)
    }
    if (candidates.length === 0) throw unknownKey(issuerUrl, keyId, algorithm)
    if (!(await isSignedByOneOf(token, algorithm, candidates, importKey)))
      throw refuseToken(
        'signature_invalid',
        `the signature does not verify with the keys of ${quoted(issuerUrl)}`,
      )
    for (const check of tokenComplaints(claims, issuer.audience, now())) check()
    return { issuer, claims: claims['iss'] === issuerUrl ? claims : { ...claims, iss: issuerUrl } }
  }
}

/** Google signs some tokens without the scheme, and documents both as one issuer; certificates name it one way. */
export function issuerUrlOf(claims: Claims): string {
  const issuer = readStringClaim(claims, 'iss')
  return issuer === 'accounts.google.com' ? 'https://accounts.google.com' : issuer
}

type Header = Claims

/** Header and claims, unverified. Throws an IssuanceError. */
export function decodeToken(token: string): { readonly header: Header; readonly claims: Claims } {
  if (token === '') throw refuseToken('token_missing', 'the request holds no identity token')
  if (token.length > maxTokenBytes)
    throw refuseToken(
      'token_too_large',
      `the token has ${token.length} characters but may have ${maxTokenBytes}`,
    )
  // Dots are counted before anything is split: a token of dots alone once exhausted memory elsewhere (GHSA-f83f-xpx7-ffpw).
  const first = token.indexOf('.')
  const second = token.indexOf('.', first + 1)
  if (first <= 0 || second < 0 || token.includes('.', second + 1))
    throw refuseToken(
      'token_malformed',
      'the token is no JWT: it must have three parts with two dots between them',
    )
  // One token, one spelling: what verifies below would take padding too.
  if (!/^[A-Za-z0-9_-]*$/.test(token.slice(second + 1)))
    throw refuseToken('token_malformed', 'the signature of the token is not unpadded base64url')
  return {
    header: decodePart(token.slice(0, first), 'header'),
    claims: decodePart(token.slice(first + 1, second), 'payload'),
  }
}

function decodePart(text: string, name: 'header' | 'payload'): Claims {
  if (!/^[A-Za-z0-9_-]+$/.test(text) || text.length % 4 === 1)
    throw refuseToken('token_malformed', `the ${name} of the token is not unpadded base64url`)
  let value: JsonValue
  try {
    value = parseStrictJson(parseBase64Url(text.padEnd(Math.ceil(text.length / 4) * 4, '=')))
  } catch (cause) {
    if (!(cause instanceof StrictJsonError)) throw cause
    // A name that occurs twice is told: two readers could take another value each, and so another identity.
    throw refuseToken('token_malformed', `the ${name} of the token cannot be read: ${cause.message}`, {
      cause,
    })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw refuseToken('token_malformed', `the ${name} of the token is not a JSON object`)
  return value as Claims
}

function readAlgorithm(header: Header, { algorithms }: IssuerKeys): string {
  const algorithm = readClaim(header, 'alg')
  // Only what the issuer announces, and never none or HMAC, whatever it announces.
  if (typeof algorithm !== 'string' || !algorithms.includes(algorithm))
    throw refuseToken(
      'algorithm_refused',
      `alg is ${quoted(algorithm ?? null)} but must be one of ${algorithms.join(', ')}`,
    )
  // No extension of JWS is understood here, so none may be critical (RFC 7515 section 4.1.11).
  const critical = readClaim(header, 'crit')
  if (critical !== undefined)
    throw refuseToken('algorithm_refused', `crit is ${quoted(critical)} but must not be there`)
  return algorithm
}

function readKeyId(header: Header): string | undefined {
  const keyId = readClaim(header, 'kid')
  if (keyId === undefined || keyId === '') return undefined
  if (typeof keyId !== 'string' || keyId.length > 1024)
    throw refuseToken(
      'token_malformed',
      `kid is ${quoted(keyId)} but must be a text of at most 1024 characters`,
    )
  return keyId
}

function candidatesFor({ keys }: IssuerKeys, algorithm: string, keyId: string | undefined): readonly JWK[] {
  const type = algorithm === 'EdDSA' ? 'OKP' : algorithm.startsWith('ES') ? 'EC' : 'RSA'
  return keys
    .filter((key) => key.kty === type && (key.alg === undefined || key.alg === algorithm))
    .filter(({ kid }) => keyId === undefined || kid === keyId)
    .slice(0, mostCandidates)
}

function unknownKey(issuerUrl: string, keyId: string | undefined, algorithm: string): Error {
  const what = keyId === undefined ? 'the token names no key' : `kid is ${quoted(keyId)}`
  return refuseToken('key_unknown', `${what}, and ${quoted(issuerUrl)} has no such key for ${algorithm}`)
}

type ImportKey = (jwk: JWK, algorithm: string) => Promise<CryptoKey | Uint8Array>

/** Imports each key once per algorithm, for as long as the key set is remembered. */
function createImportKey(): ImportKey {
  const imported = new WeakMap<JWK, Map<string, Promise<CryptoKey | Uint8Array>>>()
  return (jwk, algorithm) => {
    const ofKey = imported.get(jwk) ?? new Map<string, Promise<CryptoKey | Uint8Array>>()
    imported.set(jwk, ofKey)
    const key = ofKey.get(algorithm) ?? importJWK(jwk, algorithm)
    ofKey.set(algorithm, key)
    return key
  }
}

async function isSignedByOneOf(
  token: string,
  algorithm: string,
  candidates: readonly JWK[],
  importKey: ImportKey,
): Promise<boolean> {
  for (const candidate of candidates) {
    try {
      await compactVerify(token, await importKey(candidate, algorithm), { algorithms: [algorithm] })
      return true
    } catch {
      // Not this key; one that cannot be imported is no key of the token either.
    }
  }
  return false
}

/** What is checked besides the signature; each throws an IssuanceError. */
export function tokenComplaints(claims: Claims, audience: string, now: Date): readonly (() => void)[] {
  return [() => assertAudience(claims, audience), () => assertTime(claims, now)]
}

function assertAudience(claims: Claims, expected: string): void {
  const audience = readClaim(claims, 'aud')
  const audiences: unknown[] = Array.isArray(audience) ? audience : [audience]
  if (!audiences.includes(expected))
    throw refuseToken(
      'audience_mismatch',
      `aud is ${quoted(audience ?? null)} but must be ${quoted(expected)}`,
    )
}

function assertTime(claims: Claims, now: Date): void {
  const expiry = readNumber(claims, 'exp')
  if (expiry === undefined) throw refuseToken('claim_missing', 'the claim exp is missing')
  if (expiry * 1000 < now.getTime())
    throw refuseToken('expired', `exp is ${expiry} (${instant(expiry)}) but it is ${now.toISOString()} now`)
  const notBefore = readNumber(claims, 'nbf')
  if (notBefore !== undefined && notBefore * 1000 > now.getTime() + allowedNotBeforeSeconds * 1000)
    throw refuseToken(
      'not_yet_valid',
      `nbf is ${notBefore} (${instant(notBefore)}) but it is ${now.toISOString()} now`,
    )
}

function readNumber(claims: Claims, name: string): number | undefined {
  const value = readClaim(claims, name)
  if (value === undefined || typeof value === 'number') return value
  throw refuseToken('claim_malformed', `${name} is ${quoted(value)} but must be a number of seconds`)
}

function instant(seconds: number): string {
  const date = new Date(seconds * 1000)
  return Number.isNaN(date.getTime()) ? 'no time' : date.toISOString()
}

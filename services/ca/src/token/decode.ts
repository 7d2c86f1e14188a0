/**
 * Identity tokens: compact JWTs of configured issuers (fulcio.md section 4.3). Whatever comes before the signature check
 * reads unverified data, so it is bounded, and decides only which configured issuer's keys are tried.
 */
import {
  isObject,
  type JsonValue,
  parseBase64Url,
  parseStrictJson,
  quoted,
  StrictJsonError,
} from '@sigstack/crypto'
import { type Claims, readClaim, readStringClaim } from '../identity/claims.ts'
import { refuseToken } from '../refusals.ts'

const maxTokenBytes = 16 * 1024
/** Of header and payload each. Keycloak names every client that somebody has roles at. */
const mostNames = 250

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
  // What verifies below would take padding too. Bits to spare in the last character are let be, as Fulcio's reader does.
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
    value = parseStrictJson(parseBase64Url(text.padEnd(Math.ceil(text.length / 4) * 4, '=')), { mostNames })
  } catch (cause) {
    if (!(cause instanceof StrictJsonError)) throw cause
    // A name that occurs twice is told: two readers could take another value each, and so another identity.
    throw refuseToken('token_malformed', `the ${name} of the token cannot be read: ${cause.message}`, {
      cause,
    })
  }
  if (!isObject(value)) throw refuseToken('token_malformed', `the ${name} of the token is not a JSON object`)
  return value as Claims
}

/** Google signs some tokens without the scheme, and documents both as one issuer; certificates name it one way. */
export function issuerUrlOf(claims: Claims): string {
  const issuer = readStringClaim(claims, 'iss')
  return issuer === 'accounts.google.com' ? 'https://accounts.google.com' : issuer
}

export function readKeyId(header: Header): string | undefined {
  const keyId = readClaim(header, 'kid')
  if (keyId === undefined || keyId === null || keyId === '') return undefined
  if (typeof keyId !== 'string' || keyId.length > 1024)
    throw refuseToken(
      'token_malformed',
      `kid is ${quoted(keyId)} but must be a text of at most 1024 characters`,
    )
  return keyId
}

/** `allowed` are those that the issuer announces, never none or HMAC, whatever it announces. */
export function readAlgorithm(header: Header, allowed: readonly string[]): string {
  const algorithm = readClaim(header, 'alg')
  if (typeof algorithm !== 'string' || !allowed.includes(algorithm))
    throw refuseToken(
      'algorithm_refused',
      `alg is ${quoted(algorithm ?? null)} but must be one of ${allowed.join(', ')}`,
    )
  // No extension of JWS is understood here, so none may be critical (RFC 7515 section 4.1.11).
  const critical = readClaim(header, 'crit')
  if (critical !== undefined)
    throw refuseToken('algorithm_refused', `crit is ${quoted(critical)} but must not be there`)
  return algorithm
}

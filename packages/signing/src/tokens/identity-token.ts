/** The little that the tool itself must know of an identity token. Nothing here repeats one. */
import { isObject, memberAt, parseBoundedJson, quoted } from '@sigstack/crypto'
import { SigningError } from '../errors.ts'

export const longestToken = 64 * 1024
const jwtShape = /^[\w-]+\.[\w-]+\.[\w-]+$/

/** Three parts, whatever signs them. */
export function isTokenShaped(text: string): boolean {
  return jwtShape.test(text.trim())
}

/**
 * The token, without what surrounds it. Refuses what the CA would refuse anyway, with a reason and before
 * any key is made.
 */
export function demandToken(text: string, now: Date): string {
  const token = text.trim()
  if (token.length > longestToken || !isTokenShaped(token)) throw notAToken()
  const claims = claimsOf(token)
  const expiry = memberAt(claims, 'exp')
  if (typeof expiry === 'number' && expiry * 1000 <= now.getTime()) {
    const since = new Date(expiry * 1000)
    const told = Number.isNaN(since.getTime()) ? 'long ago' : `at ${since.toISOString()}`
    throw new SigningError('bad_token', `the identity token expired ${told}`, {
      advice: `Get a fresh one. If it is fresh, the clock here is wrong: it says ${now.toISOString()}.`,
    })
  }
  if (memberAt(claims, 'sub') === undefined && memberAt(claims, 'email') === undefined)
    throw new SigningError('bad_token', 'the identity token names nobody: it has neither sub nor email')
  return token
}

/** What the CA wants a signature over: as whom the token's issuer knows its holder. */
export function subjectOfToken(identityToken: string): string {
  const claims = claimsOf(identityToken)
  const email = memberAt(claims, 'email')
  const subject = memberAt(claims, 'sub')
  if (typeof email !== 'string' || email === '') return typeof subject === 'string' ? subject : ''
  const isVerified = memberAt(claims, 'email_verified')
  if (isVerified === undefined || isVerified === false)
    throw new SigningError(
      'bad_token',
      `the issuer of the identity token has not verified ${quoted(email)}`,
      {
        advice: 'Verify the address with the issuer, and get a fresh token.',
      },
    )
  return email
}

/** What the token says, which nobody has checked. */
export function claimsOf(token: string): unknown {
  try {
    const [, payload = ''] = token.split('.')
    const claims: unknown = parseBoundedJson(Buffer.from(payload, 'base64url').toString('utf8'))
    if (isObject(claims)) return claims
  } catch {
    // The cause quotes the token.
  }
  throw notAToken()
}

function notAToken(): SigningError {
  return new SigningError('bad_token', 'the identity token is not a JSON Web Token')
}

/** An ID token as its client must check it (OpenID Connect Core 1.0 section 3.1.3.7). */
import { createHash } from 'node:crypto'
import { memberAt } from '@sigstack/crypto'
import { createLocalJWKSet, errors, type JSONWebKeySet, jwtVerify } from 'jose'
import { OidcError } from './errors.ts'
import { type Answer, ask, type Client, type Issuer, idTokenIn } from './issuer.ts'

export type CheckedToken = {
  readonly token: string
  readonly claims: Readonly<Record<string, unknown>> & { readonly sub: string }
}

/** Clocks may differ by this. */
const toleranceSeconds = 60

/** The token of a token endpoint's answer, whose signature, issuer, audience, times and nonce are right. Throws `no_token`. */
export async function checkedToken(
  answer: Answer,
  issuer: Issuer,
  client: Client,
  nonce?: string,
): Promise<CheckedToken> {
  const token = idTokenIn(answer, issuer)
  const { members } = await ask(issuer.keysUrl, {})
  const refuse = (reason: string): never => {
    throw new OidcError(
      'no_token',
      issuer.url,
      `the issuer ${issuer.url} gives a token that is not for us: ${reason}`,
    )
  }
  try {
    const keys = createLocalJWKSet(members as JSONWebKeySet)
    const { payload, protectedHeader } = await jwtVerify(token, keys, {
      issuer: issuer.url,
      audience: client.id,
      clockTolerance: toleranceSeconds,
      requiredClaims: ['exp', 'iat', 'sub'],
    })
    if (nonce !== undefined && payload['nonce'] !== nonce) refuse('it answers another request')
    const accessToken = memberAt(answer.members, 'access_token')
    const bits = /^(?:RS|PS|ES)(256|384|512)$/.exec(protectedHeader.alg)?.[1]
    const { at_hash: told, sub } = payload
    if (told !== undefined && typeof accessToken === 'string' && bits !== undefined) {
      const hash = createHash(`sha${bits}`).update(accessToken).digest()
      if (told !== hash.subarray(0, hash.length / 2).toString('base64url'))
        refuse('it belongs to another access token')
    }
    if (typeof sub !== 'string' || sub === '') return refuse('it names no subject')
    return { token, claims: { ...payload, sub } }
  } catch (error) {
    // Their words name the claim, and quote no token.
    if (error instanceof errors.JOSEError || error instanceof TypeError) return refuse(error.message)
    throw error
  }
}

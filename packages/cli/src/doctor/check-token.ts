/** Whether there is an identity token to sign with, and whether it suits the instance. */
import { memberAt, quoted } from '@sigstack/crypto'
import { isOffline } from '@sigstack/http-client'
import { claimsOf, demandToken } from '@sigstack/signing'
import type { SigningConfig } from '@sigstack/trust-root'
import type { Io } from '../io.ts'
import { tokenAround } from '../signing/identity-token.ts'
import { type Finding, failed, failedBy, ok, skipped, warning } from './finding.ts'

export async function checkToken(io: Io, config: SigningConfig | undefined): Promise<readonly Finding[]> {
  try {
    const token = await tokenAround({ ...io, err: () => undefined }, {})
    if (token === undefined)
      return [skipped('token', 'none around: no job that gives one, and SIGSTORE_ID_TOKEN is not set')]
    return checkClaims(demandToken(token, new Date()), config)
  } catch (error) {
    if (isOffline(error)) return [skipped('token', 'no connections are to be made')]
    return [failedBy('token', 'the identity token', error, 'Get a new one from the issuer.')]
  }
}

function checkClaims(token: string, config: SigningConfig | undefined): readonly Finding[] {
  const claims = claimsOf(token)
  const [iss, aud, exp] = ['iss', 'aud', 'exp'].map((name) => memberAt(claims, name))
  const findings: Finding[] = [ok('token', `one of ${quoted(iss, 200)}, until ${timeText(exp)}`)]
  const audiences = Array.isArray(aud) ? aud : [aud]
  if (!audiences.includes('sigstore'))
    findings.push(
      failed(
        'token',
        `it is for ${quoted(audiences[0], 100)}, and the CA takes those for "sigstore"`,
        'Ask the issuer for one with the audience sigstore.',
      ),
    )
  const issuers = config?.oidcUrls.map(({ url }) => url) ?? []
  if (issuers.length > 0 && typeof iss === 'string' && !issuers.includes(iss))
    findings.push(
      warning(
        'token',
        `its issuer is not among those that the instance publishes: ${issuers.map((each) => quoted(each, 200)).join(', ')}`,
        'The CA may know more of them: sigstack ca explain tells.',
      ),
    )
  return findings
}

function timeText(seconds: unknown): string {
  const time = new Date(typeof seconds === 'number' ? seconds * 1000 : Number.NaN)
  return Number.isNaN(time.getTime()) ? 'no time that it tells' : time.toISOString()
}

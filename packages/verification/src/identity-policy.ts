/** Who is accepted as signer. Values are compared as whole strings, patterns are RE2 and need not cover all. */
import { quoted } from '@sigstack/crypto'
import type { RE2JS } from 're2js'
import type { CertificateIdentity } from './certificate-identity.ts'
import type { ClaimCondition } from './claims.ts'
import { notVerified } from './errors.ts'

export type IdentityPolicy = {
  /** Left out where the claims say who it must be. */
  readonly subject?: Condition
  readonly issuer: Condition
  readonly claims?: readonly ClaimCondition[]
}

export type Condition = { readonly value?: string; readonly pattern?: RE2JS; readonly source?: string }

/** Throws `not_verified` that says what was wanted and what was found. */
export function demandIdentity(policy: IdentityPolicy, identity: CertificateIdentity): void {
  if (policy.subject !== undefined) demand('identity', policy.subject, identity.subject)
  demand('OIDC issuer', policy.issuer, identity.issuer)
}

function demand(what: string, { value, pattern, source }: Condition, found: string | undefined): void {
  const said = found === undefined ? 'none' : quoted(found)
  if (value !== undefined && value !== found)
    throw notVerified(`the certificate's ${what} is ${said}, expected ${quoted(value)}`)
  // Certificates of other authorities name no issuer: a pattern that takes anything takes that, as in cosign.
  if (pattern !== undefined && !pattern.matcher(found ?? '').find())
    throw notVerified(
      `the certificate's ${what} is ${said}, which the pattern ${quoted(source)} does not match`,
    )
}

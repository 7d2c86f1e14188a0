/** Who is accepted as signer. Values are compared as whole strings, patterns are RE2 and need not cover all. */
import { quoted } from '@sigstack/crypto'
import { RE2JS } from 're2js'
import type { CertificateIdentity } from './certificate-identity.ts'
import type { ClaimCondition } from './claims.ts'
import { notVerified, VerificationError } from './errors.ts'

export type IdentityPolicy = {
  /** Left out where the claims say who it must be. */
  readonly subject?: Condition
  readonly issuer: Condition
  readonly claims?: readonly ClaimCondition[]
}

export type Condition = { readonly value?: string; readonly pattern?: RE2JS; readonly source?: string }

const longestPattern = 4096

/** Throws `bad_policy` for a pattern that is not RE2, and where there is no condition: it would match everybody or nobody. */
export function identityCondition(wanted: {
  readonly value?: string | undefined
  readonly pattern?: string | undefined
}): Condition {
  const { value, pattern: source } = wanted
  if (!value && !source) throw new VerificationError('bad_policy', 'neither a value nor a pattern is given')
  return { ...(value && { value }), ...(source && { source, pattern: compile(source) }) }
}

function compile(source: string): RE2JS {
  if (source.length > longestPattern)
    throw new VerificationError('bad_policy', `the pattern is longer than ${longestPattern} characters`)
  try {
    return RE2JS.compile(source)
  } catch (cause) {
    const message = 'the pattern is not a regular expression in RE2 syntax'
    throw new VerificationError('bad_policy', message, { cause })
  }
}

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

/** Who is accepted as signer. Values are compared as whole strings, patterns are RE2 and need not cover all. */
import { RE2JS } from 're2js'
import { CliError } from '../errors.ts'
import type { CertificateIdentity } from './certificate-identity.ts'

export type IdentityOptions = {
  readonly certificateIdentity?: string
  readonly certificateIdentityRegexp?: string
  readonly certificateOidcIssuer?: string
  readonly certificateOidcIssuerRegexp?: string
}

export type IdentityPolicy = {
  readonly subject: Condition
  readonly issuer: Condition
  /** For people: patterns that match more than their writers may think. */
  readonly warnings: readonly string[]
}

type Condition = { readonly value?: string; readonly pattern?: RE2JS; readonly source?: string }

/** Throws `bad_usage` where a condition is missing or its pattern is not RE2. */
export function parseIdentityPolicy(options: IdentityOptions): IdentityPolicy {
  const subject = condition(
    '--certificate-identity',
    options.certificateIdentity,
    options.certificateIdentityRegexp,
  )
  const issuer = condition(
    '--certificate-oidc-issuer',
    options.certificateOidcIssuer,
    options.certificateOidcIssuerRegexp,
  )
  const warnings = [subject, issuer].flatMap(({ source }) =>
    source === undefined || (source.startsWith('^') && source.endsWith('$'))
      ? []
      : [`the pattern ${JSON.stringify(source)} matches anywhere in the value; anchor it with ^ and $`],
  )
  return { subject, issuer, warnings }
}

function condition(option: string, value: string | undefined, source: string | undefined): Condition {
  // An empty condition would match everybody or nobody, and neither is meant.
  if (!value && !source) {
    throw new CliError(
      'bad_usage',
      `${option} or ${option}-regexp is required for verification in keyless mode`,
    )
  }
  return { ...(value && { value }), ...(source && { source, pattern: compile(option, source) }) }
}

function compile(option: string, source: string): RE2JS {
  if (source.length > 4096) throw new CliError('bad_usage', `${option}-regexp is longer than 4096 characters`)
  try {
    return RE2JS.compile(source)
  } catch (cause) {
    throw new CliError('bad_usage', `${option}-regexp is not a regular expression in RE2 syntax`, { cause })
  }
}

/** Throws `not_verified` that says what was wanted and what was found. */
export function demandIdentity(policy: IdentityPolicy, identity: CertificateIdentity): void {
  demand('identity', policy.subject, identity.subject)
  demand('OIDC issuer', policy.issuer, identity.issuer)
}

function demand(what: string, { value, pattern, source }: Condition, found: string | undefined): void {
  const said = found === undefined ? 'none' : JSON.stringify(found)
  if (value !== undefined && value !== found) {
    throw new CliError(
      'not_verified',
      `the certificate's ${what} is ${said}, expected ${JSON.stringify(value)}`,
    )
  }
  if (pattern !== undefined && (found === undefined || !pattern.matcher(found).find())) {
    throw new CliError(
      'not_verified',
      `the certificate's ${what} is ${said}, which the pattern ${source} does not match`,
    )
  }
}

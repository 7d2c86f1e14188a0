/** Who is accepted as signer, from the options of a command. */
import { quoted } from '@sigstack/crypto'
import {
  type ClaimCondition,
  type Condition,
  claimNumbers,
  type IdentityPolicy,
  VerificationError,
} from '@sigstack/verification'
import { isAnchored } from './anchored-pattern.ts'
import { CliError } from './errors.ts'

export const identityOptions = [
  'certificateIdentity',
  'certificateIdentityRegexp',
  'certificateOidcIssuer',
  'certificateOidcIssuerRegexp',
  'certificateGithubWorkflowTrigger',
  'certificateGithubWorkflowSha',
  'certificateGithubWorkflowName',
  'certificateGithubWorkflowRepository',
  'certificateGithubWorkflowRef',
  'sourceRepository',
  'buildSigner',
  'refPattern',
] as const

export type IdentityOptions = { readonly [Name in (typeof identityOptions)[number]]?: string }

/** `warnings`, for people: patterns that match more than their writers may think. */
export type IdentityPolicyOfOptions = IdentityPolicy & { readonly warnings: readonly string[] }

/** Throws `bad_usage` where a condition is missing or its pattern is not RE2. */
export async function parseIdentityPolicy(options: IdentityOptions): Promise<IdentityPolicyOfOptions> {
  const subject = namesJob(options)
    ? undefined
    : await condition(
        '--certificate-identity',
        options.certificateIdentity,
        options.certificateIdentityRegexp,
      )
  const issuer = await condition(
    '--certificate-oidc-issuer',
    options.certificateOidcIssuer,
    options.certificateOidcIssuerRegexp,
  )
  const warnings = [subject, issuer].flatMap((each) =>
    each?.source === undefined || isAnchored(each.source)
      ? []
      : [`the pattern ${quoted(each.source)} matches anywhere in the value; anchor it as ^(?:…)$`],
  )
  return { ...(subject && { subject }), issuer, claims: claimsOf(options), warnings }
}

/** Who a job is, said in claims: then nobody needs its name. */
function namesJob(options: IdentityOptions): boolean {
  const { certificateIdentity, certificateIdentityRegexp, sourceRepository, buildSigner } = options
  const isNamed = Boolean(certificateIdentity) || Boolean(certificateIdentityRegexp)
  return !isNamed && (Boolean(sourceRepository) || Boolean(buildSigner))
}

function claimsOf(options: IdentityOptions): readonly ClaimCondition[] {
  const { refPattern } = options
  const wanted: readonly (readonly [keyof typeof claimNumbers, string, string | undefined])[] = [
    ['workflowTrigger', 'workflow trigger', options.certificateGithubWorkflowTrigger],
    ['workflowSha', 'workflow commit', options.certificateGithubWorkflowSha],
    ['workflowName', 'workflow name', options.certificateGithubWorkflowName],
    ['workflowRepository', 'workflow repository', options.certificateGithubWorkflowRepository],
    ['workflowRef', 'workflow ref', options.certificateGithubWorkflowRef],
    ['sourceRepository', 'source repository', options.sourceRepository],
    ['buildSigner', 'build signer', options.buildSigner],
  ]
  const claims: ClaimCondition[] = wanted.flatMap(([claim, name, value]) =>
    value === undefined ? [] : [{ number: claimNumbers[claim], name, value }],
  )
  if (refPattern === undefined) return claims
  if (refPattern === '')
    throw new CliError('bad_usage', '--ref-pattern is empty; a pattern is written like refs/tags/*')
  const number = claimNumbers.sourceRepositoryRef
  return [...claims, { number, name: 'ref of the source repository', glob: refPattern }]
}

async function condition(
  option: string,
  value: string | undefined,
  pattern: string | undefined,
): Promise<Condition> {
  if (!value && !pattern) {
    throw new CliError(
      'bad_usage',
      `${option} or ${option}-regexp is required for verification in keyless mode`,
    )
  }
  if (value && !pattern) return { value }
  const { identityCondition } = await import('@sigstack/verification/identity-condition')
  try {
    return identityCondition({ value, pattern })
  } catch (cause) {
    if (!(cause instanceof VerificationError)) throw cause
    throw new CliError('bad_usage', `${option}-regexp: ${cause.message}`, { cause })
  }
}

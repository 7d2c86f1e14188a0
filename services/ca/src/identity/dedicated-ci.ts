/**
 * Fulcio's issuer types from before ci-provider: one fixed table of claims each, the host built in, and no claim of the
 * token that could change it (fulcio.md sections 2.3, 2.5 and 4.2).
 */
import { quoted } from '@sigstack/crypto'
import type { FulcioClaims } from '@sigstack/x509'
import { refuseToken } from '../refusals.ts'
import { ciIdentity } from './ci-identity.ts'
import { ciPresets } from './ci-presets.ts'
import { parseCiProvider } from './ci-provider-config.ts'
import { type Claims, readClaim, readStringClaim } from './claims.ts'
import type { CiProvider, DedicatedCiType, ExtensionName, Identity } from './identity.ts'

type Table = {
  /** Texts that must be there and not be empty. */
  readonly required: readonly string[]
  /** Texts that may be absent. */
  readonly optional: readonly string[]
  readonly provider: CiProvider
}

export function isDedicatedCiType(type: string): type is DedicatedCiType {
  return Object.hasOwn(tables, type)
}

export function dedicatedCiIdentity(
  type: DedicatedCiType,
  claims: Claims,
  fixed: FulcioClaims & { readonly subject: string },
): Identity {
  const { required, optional, provider } = tables[type]
  const known: { [name: string]: string } = {}
  for (const name of required) known[name] = readStringClaim(claims, name)
  for (const name of optional) {
    const text = readOptionalText(claims, name)
    if (text !== '') known[name] = text
  }
  if (type === 'gitlab-pipeline') assertGitLabJob(claims)
  return ciIdentity(provider, known, fixed)
}

function assertGitLabJob(claims: Claims): void {
  const refType = readStringClaim(claims, 'ref_type')
  if (refType !== 'branch' && refType !== 'tag')
    throw refuseToken('claim_malformed', `ref_type is ${quoted(refType)} but must be branch or tag`)
  const runner = readClaim(claims, 'runner_id')
  if (runner === undefined) throw refuseToken('claim_missing', 'the claim runner_id is missing')
  if (typeof runner !== 'number' || !Number.isInteger(runner) || runner === 0)
    throw refuseToken('claim_malformed', `runner_id is ${quoted(runner)} but must be a number other than 0`)
}

function readOptionalText(claims: Claims, name: string): string {
  const value = readClaim(claims, name)
  if (value === undefined || value === null) return ''
  if (typeof value !== 'string')
    throw refuseToken('claim_malformed', `${name} is ${quoted(value)} but must be a text`)
  return value
}

const tables: Readonly<Record<DedicatedCiType, Table>> = {
  'github-workflow': {
    required: [
      'job_workflow_ref',
      'sha',
      'event_name',
      'repository',
      'workflow',
      'ref',
      'job_workflow_sha',
      'runner_environment',
      'repository_id',
      'repository_owner',
      'repository_owner_id',
      'repository_visibility',
      'workflow_ref',
      'workflow_sha',
      'run_id',
      'run_attempt',
    ],
    optional: [],
    provider: provider('github-workflow', {
      without: ['deploymentEnvironment'],
      joined: [
        'subjectAlternativeName',
        'buildSignerUri',
        'sourceRepositoryUri',
        'sourceRepositoryOwnerUri',
        'buildConfigUri',
        'runInvocationUri',
      ],
    }),
  },
  'gitlab-pipeline': {
    required: [
      'project_path',
      'pipeline_source',
      'pipeline_id',
      'ci_config_ref_uri',
      'job_id',
      'ref',
      'ref_type',
      'namespace_path',
      'namespace_id',
      'project_id',
      'sha',
      'runner_environment',
    ],
    optional: ['ci_config_sha', 'project_visibility'],
    provider: provider('gitlab-pipeline', {
      without: ['deploymentEnvironment'],
      defaults: { ci_config_sha: '', project_visibility: '' },
      parsed: ['buildSignerUri', 'buildConfigUri'],
      joined: ['sourceRepositoryUri', 'sourceRepositoryOwnerUri', 'runInvocationUri'],
    }),
  },
  'buildkite-job': {
    required: ['organization_slug', 'pipeline_slug'],
    optional: [],
    provider: { ...provider('buildkite-job'), extensions: new Map() },
  },
  'codefresh-workflow': {
    required: ['account_id', 'pipeline_id', 'workflow_id'],
    optional: [
      'account_name',
      'pipeline_name',
      'platform_url',
      'scm_repo_url',
      'scm_ref',
      'runner_environment',
    ],
    provider: provider('codefresh-workflow', {
      defaults: { account_name: '', pipeline_name: '' },
      joined: ['subjectAlternativeName', 'buildSignerUri', 'buildConfigUri', 'runInvocationUri'],
    }),
  },
}

type UriField = ExtensionName | 'subjectAlternativeName'

/**
 * The built-in table of today, less what the older type never wrote. Fulcio makes URLs of the texts that are `joined` or
 * `parsed`, and prints them: a branch `a#b` is `a%23b` in one that is joined, and a fragment where templates write it.
 */
function provider(
  name: DedicatedCiType,
  change: {
    readonly without?: readonly ExtensionName[]
    readonly defaults?: Readonly<Record<string, string>>
    readonly joined?: readonly UriField[]
    readonly parsed?: readonly UriField[]
  } = {},
): CiProvider {
  const { defaults, extensions, ...rest } = parseCiProvider(name, ciPresets[name])
  const { without = [], defaults: more = {}, joined = [], parsed = [] } = change
  return {
    ...rest,
    defaults: new Map([...defaults, ...Object.entries(more)]),
    extensions: new Map([...extensions].filter(([extension]) => !without.includes(extension))),
    uriForms: new Map([
      ...joined.map((field) => [field, 'joined'] as const),
      ...parsed.map((field) => [field, 'parsed'] as const),
    ]),
  }
}

/** The door of the log: a proposed entry becomes a verified one, or is refused. */
import { escaped, isObject, quoted } from '@sigstack/crypto'
import type { Verified, VersionPolicy } from './entry.ts'
import { EntryError, type SchemaFault } from './errors.ts'
import type { JsonObject } from './json.ts'
import { type EntryKind, isEntryKind, kinds } from './kinds.ts'
import { withSignatures } from './verifier.ts'
import { defaultWorkLimit, withinWork } from './work.ts'

export type EntryPolicy = VersionPolicy & {
  /** Every kind known here when left out. */
  readonly enabledKinds?: readonly EntryKind[]
  /** What a proposal may cost to verify, in checks of P-256 signatures; 64 when left out. */
  readonly workLimit?: number
  /** Whether verifiers tell which of their signatures held; true when left out. Who has no use for them saves their way to it. */
  readonly tellsSignatures?: boolean
}

export type VerifiedEntry = Verified & { readonly kind: EntryKind; readonly apiVersion: string }

/** The expression of semver.org, item 11 of its FAQ, as Rekor's API description holds it. */
const semver =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?(?:\+([0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?$/
const versionLengthLimit = 64

/**
 * Verifies a proposed entry (parsed JSON: of any shape) and gives the exact bytes for the log. Refuses with an
 * {@link EntryError} and nothing else; the proposal is not changed.
 */
export async function verifyProposal(proposal: unknown, policy: EntryPolicy): Promise<VerifiedEntry> {
  const { kind, apiVersion, spec } = parseFrame(proposal)
  const versions = isEnabled(kind, policy) ? kinds.get(kind) : undefined
  if (versions === undefined)
    throw new EntryError('kind_disabled', `entry kind '${kind}' is not enabled for submission on this server`)
  const version = versions.get(apiVersion)
  if (version === undefined)
    throw new EntryError(
      'unknown_version',
      `${kind} implementation for version '${escaped(apiVersion)}' not found: this log knows ${[...versions.keys()].join(', ')}`,
    )
  if (!isObject(spec)) throw new EntryError('bad_field', 'spec in body must be of type object')
  return withinWork(policy.workLimit ?? defaultWorkLimit, async (held) => {
    const verified = await version.verify(spec, policy)
    if (policy.tellsSignatures === false) return { kind, apiVersion, ...verified }
    const verifiers = verified.verifiers.map((verifier) => withSignatures(verifier, held))
    return { kind, apiVersion, ...verified, verifiers }
  })
}

function isEnabled(kind: EntryKind, { enabledKinds }: EntryPolicy): boolean {
  return enabledKinds === undefined || enabledKinds.includes(kind)
}

type Frame = { readonly kind: EntryKind; readonly apiVersion: string; readonly spec: unknown }

/** The faults in the order in which Rekor tells them. */
function parseFrame(proposal: unknown): Frame {
  if (proposal === null || proposal === undefined) throw schemaFault(602, 'proposedEntry in body is required')
  if (!isObject(proposal)) throw schemaFault(601, 'proposedEntry in body must be of type object')
  const kind = textMember(proposal, 'kind')
  if (!isEntryKind(kind)) throw schemaFault(422, `invalid kind value: ${quoted(kind, 100)}`)
  const apiVersion = textMember(proposal, 'apiVersion')
  if (apiVersion.length > versionLengthLimit || !semver.test(apiVersion))
    throw schemaFault(605, `apiVersion in body should match '${semver.source}'`)
  const spec = frameMember(proposal, 'spec')
  if (spec === null || spec === undefined) throw schemaFault(602, 'spec in body is required', 'no_spec')
  return { kind, apiVersion, spec }
}

function textMember(proposal: JsonObject, name: 'kind' | 'apiVersion'): string {
  const value = frameMember(proposal, name)
  // An empty version is present, and no version.
  if (value === undefined || value === null || (value === '' && name === 'kind'))
    throw schemaFault(602, `${name} in body is required`)
  if (typeof value !== 'string') throw schemaFault(601, `${name} in body must be of type string`)
  return value
}

/** These three names alone are matched without case. */
function frameMember(proposal: JsonObject, name: string): unknown {
  if (Object.hasOwn(proposal, name)) return proposal[name]
  const other = Object.keys(proposal).find((candidate) => candidate.toLowerCase() === name.toLowerCase())
  return other === undefined ? undefined : proposal[other]
}

function schemaFault(fault: SchemaFault, message: string, code: 'schema' | 'no_spec' = 'schema'): EntryError {
  return new EntryError(code, message, { schemaFault: fault })
}

/**
 * Whom a pattern accepts beside the one who signed, or the one it is written for. Patterns are tried on neighbours of that
 * identity: the answer is what the pattern does, not what it looks like.
 */
import { quoted } from '@sigstack/crypto'
import type { CertificateIdentity } from './certificate-identity.ts'
import { acceptsClaim, type ClaimCondition, claimNumbers } from './claims.ts'
import type { Condition, IdentityPolicy } from './identity-policy.ts'
import { examplesOf } from './pattern-examples.ts'

/** Names that nobody has. */
const other = 'somebody-else-7f3a'
const elsewhere = `${other}.invalid`
const otherBranch = `refs/heads/${other}`
const otherTag = `refs/tags/${other}`

/** What is another one's: conditions for claims hold some of it, whatever a pattern accepts. */
type Part = 'place' | 'workflow' | 'branch' | 'tag'
type Neighbour = readonly [whom: string, name: string, part: Part]

/** Sentences for people, the broadest of each condition; none where only this signer is accepted. */
export function breadthOf(
  { subject, issuer, claims = [] }: IdentityPolicy,
  found: CertificateIdentity,
): readonly string[] {
  const sentences: string[] = []
  if (subject === undefined && acceptsAnyRef(claims))
    sentences.push(
      `the conditions for the job also accept any branch and any tag; this signer alone is ${quoted(found.subject, 1000)}`,
    )
  const who = subject && broadest(subject, freeNeighboursOf(found.subject, claims))
  if (who !== undefined)
    sentences.push(
      `the condition for the identity also accepts ${who}; this signer alone is ${quoted(found.subject, 1000)}`,
    )
  if (found.issuer === undefined) return sentences
  const whose = broadest(issuer, [
    ['any issuer', `https://${elsewhere}`, 'place'],
    ['issuers whose name only begins like this one', `${found.issuer}.${elsewhere}`, 'place'],
    ['issuers whose name only ends like this one', `https://${elsewhere}/?${found.issuer}`, 'place'],
  ])
  if (whose !== undefined)
    sentences.push(
      `the condition for the OIDC issuer also accepts ${whose}; this one alone is ${quoted(found.issuer, 1000)}`,
    )
  return sentences
}

/** The same before anybody signed, beside names that the pattern for the identity describes. */
export function breadthOfConditions({ subject, claims = [] }: IdentityPolicy): readonly string[] {
  if (subject === undefined)
    return acceptsAnyRef(claims) ? ['the conditions for the job accept any branch and any tag'] : []
  return examplesOf(subject).flatMap((example) => {
    const who = broadest(subject, freeNeighboursOf(example, claims))
    return who === undefined
      ? []
      : [`where the condition for the identity accepts ${quoted(example, 1000)}, it also accepts ${who}`]
  })
}

function acceptsAnyRef(claims: readonly ClaimCondition[]): boolean {
  return isFree('branch', claims) && isFree('tag', claims)
}

function isFree(part: Part, claims: readonly ClaimCondition[]): boolean {
  return !claims.some((claim) => holds(claim, part))
}

function holds(claim: ClaimCondition, part: Part): boolean {
  const { buildSigner, workflowRepository, sourceRepository, workflowRef, sourceRepositoryRef } = claimNumbers
  const { number } = claim
  if (number === buildSigner) return 'value' in claim
  if (number === workflowRepository || number === sourceRepository)
    return part === 'place' && 'value' in claim
  if (number !== workflowRef && number !== sourceRepositoryRef) return false
  if (part === 'branch') return !acceptsClaim(claim, otherBranch)
  return part === 'tag' && !acceptsClaim(claim, otherTag)
}

function broadest({ value, pattern }: Condition, neighbours: readonly Neighbour[]): string | undefined {
  if (value !== undefined || pattern === undefined) return undefined
  return neighbours.find(([, name]) => pattern.matcher(name).find())?.[0]
}

function freeNeighboursOf(subject: string, claims: readonly ClaimCondition[]): readonly Neighbour[] {
  return neighboursOf(subject).filter(([, , part]) => isFree(part, claims))
}

/** From the furthest to the nearest. */
function neighboursOf(subject: string): readonly Neighbour[] {
  const anybody: Neighbour = ['anybody', `${other}@${elsewhere}`, 'place']
  const workflows = workflowNeighbours(subject)
  const ends: Neighbour[] = [
    ['names that only end like this one', `https://${elsewhere}/?${subject}`, 'place'],
    // A longer name is a longer ref.
    ['names that only begin like this one', `${subject}.${elsewhere}`, workflows ? 'tag' : 'place'],
  ]
  return [anybody, ...(workflows ?? otherNeighbours(subject)), ...ends]
}

/** `https://HOST/OWNER/REPOSITORY/PATH@REF`, as GitHub and GitLab name a workflow. */
function workflowNeighbours(subject: string): readonly Neighbour[] | undefined {
  const [, host, owner, repository, path, ref] =
    /^https:\/\/([^/@]+)\/([^/@]+)\/([^/@]+)\/([^@]+)@(.+)$/.exec(subject) ?? []
  if (!host || !owner || !repository || !path || !ref) return undefined
  const name = (parts: {
    host?: string
    owner?: string
    repository?: string
    path?: string
    ref?: string
  }) => {
    const all = { host, owner, repository, path, ref, ...parts }
    return `https://${all.host}/${all.owner}/${all.repository}/${all.path}@${all.ref}`
  }
  return [
    ['workflows on any host', name({ host: elsewhere }), 'place'],
    ['the workflows of any owner', name({ owner: other }), 'place'],
    ['any repository of its owner', name({ repository: other }), 'place'],
    [
      'any repository of its owner whose name begins alike',
      name({ repository: `${repository}-${other}` }),
      'place',
    ],
    ['any workflow of its repository', name({ path: `.github/workflows/${other}.yml` }), 'workflow'],
    ['the workflow on any branch', name({ ref: otherBranch }), 'branch'],
    ['the workflow on any tag', name({ ref: otherTag }), 'tag'],
  ]
}

function otherNeighbours(subject: string): readonly Neighbour[] {
  const at = subject.lastIndexOf('@')
  if (at > 0 && !subject.includes('/'))
    return [
      ['that name in any domain', `${subject.slice(0, at)}@${elsewhere}`, 'place'],
      ['any address of its domain', `${other}${subject.slice(at)}`, 'place'],
    ]
  const url = URL.parse(subject)
  if (url === null || url.host === '') return []
  return [
    ['any host', subject.replace(url.host, elsewhere), 'place'],
    ['any name of its host', `${url.protocol}//${url.host}/${other}`, 'place'],
  ]
}

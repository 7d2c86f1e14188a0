/** What is compared of an answer of a log. */
import type { LogEntry } from '../../support/checker/checker.ts'
import { checkpointForm } from '../checkpoint-form.ts'
import type { Answer } from '../exchange.ts'
import { type Facts, jsonFacts, outerFacts, shapeOf } from '../facts.ts'
import { pemForm } from '../pem-form.ts'
import type { Side } from './side.ts'

const entryId = /^[0-9a-f]{80}$/

/** Of entries that a search finds, those count that both logs hold: `isShared` tells them by their leaf hashes. */
export async function answerFacts(
  answer: Answer,
  side: Side,
  isShared: (leafHash: string) => boolean,
): Promise<Facts> {
  return new Map([...outerFacts(answer, side.normalise), ...(await bodyFacts(answer, side, isShared))])
}

async function bodyFacts(
  answer: Answer,
  side: Side,
  isShared: (leafHash: string) => boolean,
): Promise<[string, string][]> {
  const text = answer.body.toString('utf8')
  if (text.startsWith('-----BEGIN')) return [['body', pemForm(text)]]
  const value = parseJson(text)
  if (typeof value === 'string' && value.startsWith('-----BEGIN'))
    return [['body', `JSON of ${pemForm(value)}`]]
  const entries = entriesIn(value)
  const end: [string, string] = ['body end', text.endsWith('\n') ? 'line feed' : 'none']
  if (entries !== undefined) {
    const facts = await Promise.all(
      entries.map(async ([id, entry], i) => entryFacts(`entry ${i}`, id, entry, side)),
    )
    return [
      end,
      ['body shape', shapeOf(withoutHashes(value)).replaceAll(/[0-9a-f]{80}/g, '<id>')],
      ...facts.flat(),
    ]
  }
  if (isListOfIds(value)) {
    const found = value.map((id) => leafHashOf(id, side)).filter(isShared)
    return [end, ['entries found', found.toSorted().join(' ')]]
  }
  if (isTreeHead(value)) return [end, ['body shape', shapeOf(value)], ...treeHeadFacts(value)]
  if (isConsistencyProof(value)) return [end, ['body shape', shapeOf({ ...value, hashes: [] })]]
  return jsonFacts(answer, side.normalise)
}

/** Of one answered entry. Index and times are the log's own; its proofs are checked, and its body is compared to the byte. */
async function entryFacts(
  name: string,
  id: string,
  entry: LogEntry,
  side: Side,
): Promise<[string, string][]> {
  const { body, logIndex, integratedTime, verification, ...more } = entry
  const { inclusionProof } = verification
  const attestation = 'attestation' in more ? JSON.stringify(more.attestation) : 'none'
  const leafHash = leafHashOf(id, side)
  side.leafHashes.add(leafHash)
  const ageSeconds = Math.abs(Date.now() / 1000 - integratedTime)
  return [
    [`${name} ID`, leafHash],
    [`${name} canonical body`, Buffer.from(body, 'base64').toString('utf8')],
    [`${name} attestation`, attestation],
    [`${name} index`, logIndex === inclusionProof.logIndex ? 'that in its tree' : 'another than in its tree'],
    [`${name} time`, ageSeconds < 3600 ? 'of this run' : String(integratedTime)],
    [`${name} checkpoint`, side.normalise(checkpointForm(inclusionProof.checkpoint))],
    [`${name} proofs`, await side.checker.hold(id, entry).then(() => 'hold', String)],
  ]
}

type TreeHead = {
  readonly inactiveShards: unknown
  readonly signedTreeHead: string
  readonly treeSize: number
}

function treeHeadFacts({ inactiveShards, signedTreeHead, treeSize }: TreeHead): [string, string][] {
  const [, size] = signedTreeHead.split('\n')
  return [
    ['inactive shards', JSON.stringify(inactiveShards)],
    ['size of the tree', size === String(treeSize) ? 'that of the checkpoint' : 'another'],
  ]
}

function entriesIn(value: unknown): readonly [string, LogEntry][] | undefined {
  const items: unknown[] = Array.isArray(value) ? value : [value]
  const pairs = items.flatMap((item) =>
    typeof item === 'object' && item !== null ? Object.entries(item) : [],
  )
  const all = pairs.length > 0 && pairs.every(([id]) => entryId.test(id))
  return all ? (pairs as [string, LogEntry][]) : undefined
}

function isListOfIds(value: unknown): value is readonly string[] {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((id) => typeof id === 'string' && entryId.test(id))
  )
}

function isTreeHead(value: unknown): value is TreeHead {
  return typeof value === 'object' && value !== null && 'signedTreeHead' in value
}

function isConsistencyProof(value: unknown): value is { readonly hashes: readonly string[] } {
  return typeof value === 'object' && value !== null && 'hashes' in value && 'rootHash' in value
}

/** Their number follows from the size of the tree, and the checker counts them. */
function withoutHashes(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (name, inner: unknown) => (name === 'hashes' ? [] : inner)))
}

function leafHashOf(id: string, { treeHex }: Side): string {
  return id.startsWith(treeHex) ? id.slice(treeHex.length) : `of another tree: ${id}`
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

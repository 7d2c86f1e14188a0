/** Many entries at once, by ID, by index, or by proposing them again (rekor-v1.md section 2.7). */
import { escaped, isObject } from '@sigstack/crypto'
import { networkOf } from '@sigstack/limits'
import { askerOf, createTurnstile } from '@sigstack/limits/turnstile'
import { leafHash } from '@sigstack/merkle'
import { EntryError, type VerifiedEntry } from '@sigstack/rekor-entries'
import {
  createDearReads,
  type EntryId,
  entryIdPattern,
  findEntries,
  findEntry,
  isTreeId,
  type Placed,
  parseEntryId,
  RekorLogError,
  readEntry,
  virtualIndexOf,
} from '@sigstack/rekor-log'
import { badRequest, badSchema, RekorRefusal } from './errors.ts'
import { notJson, parseJsonBody } from './json-body.ts'
import { encodeLogEntry } from './log-entry.ts'
import { prove } from './prove.ts'
import { sendJsonText } from './reply.ts'
import type { Handler } from './route.ts'

/** Of each list, and of all three together. */
const mostItems = 10
/** What is read at once, for all who ask: of entries as large as a log takes by default, four queries. */
const mostBytesAtOnce = 4 * mostItems * 65_536
const mostAtOnce = 4
const mostWaiting = 400
/** Bytes of entries in one answer; beyond, it is made in turn with other dear reads. */
const fewBytes = 131_072

type Query = {
  readonly ids: readonly EntryId[]
  readonly indexes: readonly bigint[]
  readonly proposals: readonly unknown[]
}

export const searchLogQuery: Handler = (face) => {
  const { shards, verifyText, bodyLimitBytes, entryLimitBytes, settings = {} } = face
  const { dearReads = createDearReads() } = face
  const { attestations, gate, largeBodies } = settings
  const readers = createTurnstile({
    places: Math.max(1, Math.min(mostAtOnce, Math.floor(mostBytesAtOnce / (mostItems * entryLimitBytes)))),
    queue: mostWaiting,
    onFull: () =>
      new RekorLogError('queue_full', 'too many queries for entries are waiting; try again shortly'),
  })

  const handler: ReturnType<Handler>['handler'] = async (request, reply) => {
    const sender = networkOf(request.ip)
    const isLarge = largeBodies !== undefined && request.body instanceof Uint8Array
    // Only what proposes is large, and its proposals are verified with the parsing: one is paid for before, the others when they are counted.
    if (isLarge) await gate?.admitAddress(request.ip)
    const { query, verified } = await readQuery(request.body, sender)
    const { ids, indexes, proposals } = parseQuery(query)
    // Each is as dear as a write.
    for (let admitted = isLarge ? 1 : 0; admitted < proposals.length; admitted++)
      await gate?.admitAddress(request.ip)
    const verify = async (proposal: unknown) => {
      const entry = await verifyText(JSON.stringify(proposal), sender)
      if (entry === undefined) throw new Error('what was parsed as JSON is JSON')
      return entry
    }
    const inTree = ids.filter(({ treeId }) => treeId !== undefined)
    const proposed = await Promise.all(
      proposals.map((proposal, i) => idOfProposal(verified?.[i] ?? (() => verify(proposal)), `entries.${i}`)),
    )
    const anywhere: readonly EntryId[] = [
      ...ids.filter(({ treeId }) => treeId === undefined),
      ...proposed.filter((id) => id !== undefined),
    ].toSorted((a, b) => Buffer.compare(a.leafHash, b.leafHash))
    const lookups = [
      ...inTree.map((id) => async () => [await findEntry(shards, id)]),
      // An entry that was logged again after a rollover is in two shards, and is answered twice.
      ...anywhere.map((id) => () => findEntries(shards, id)),
      ...indexes.map((index) => async () => [await readEntry(shards, index)]),
    ]
    const find = async () => {
      const found: Placed[] = []
      // One by one: writers share these connections.
      for (const lookUp of lookups) found.push(...(await lookUp()).filter((placed) => placed !== undefined))
      return found
    }
    const asker = askerOf(request)
    const answer = await readers.pass(asker, async () => {
      const found = await find()
      if (sizeOf(found) <= fewBytes) return encodeAll(found)
      // Those who wait for their turn keep the place, so that no more than a few hold what they have read.
      return dearReads.pass(
        asker,
        () => encodeAll(found),
        ({ length }) => length,
      )
    })
    return sendJsonText(reply, 200, answer)
  }
  return { bodyLimit: bodyLimitBytes, handler }

  /** Of a large body the proposals are verified with the parsing. */
  async function readQuery(
    body: unknown,
    sender: string,
  ): Promise<{ query: unknown; verified?: readonly (() => VerifiedEntry)[] }> {
    if (largeBodies === undefined || !(body instanceof Uint8Array)) {
      return { query: parseJsonBody(body, 'entry', parsingFailed) }
    }
    const read = await largeBodies.verifyQuery(body, sender)
    if (read === undefined) throw notJson(parsingFailed, body)
    return { query: read.query, verified: read.entries }
  }

  async function encodeAll(found: readonly Placed[]): Promise<Buffer> {
    const parts = await Promise.all(found.map(encode))
    const separated = parts.flatMap((part, i) => (i === 0 ? [part] : [comma, part]))
    return Buffer.concat([opening, ...separated, closing])
  }

  async function encode(placed: Placed): Promise<Buffer> {
    const proven = await prove(placed, attestations)
    return encodeLogEntry(placed.shard, proven, virtualIndexOf(placed))
  }

  /** `undefined` for what no entry can be equal to. */
  async function idOfProposal(
    verify: () => VerifiedEntry | Promise<VerifiedEntry>,
    path: string,
  ): Promise<EntryId | undefined> {
    try {
      const { body } = await verify()
      return { treeId: undefined, leafHash: leafHash(body) }
    } catch (error) {
      if (!(error instanceof EntryError)) throw error
      if (error.code === 'only_hash') return undefined
      if (error.code === 'no_spec') throw badSchema('required', `${path}.${error.message}`)
      const isUnreadable = error.schemaFault !== undefined
      throw badRequest(isUnreadable ? parsingFailed(error.message) : error.message, error)
    }
  }
}

const opening = Buffer.from('[')
const comma = Buffer.from(',')
const closing = Buffer.from(']\n')

function sizeOf(found: readonly Placed[]): number {
  return found.reduce((bytes, { entry }) => bytes + entry.leaf.length, 0)
}

function parsingFailed(reason: string): string {
  return `parsing entry body from "" failed, because ${reason}`
}

function parseQuery(query: unknown): Query {
  if (query === null) return { ids: [], indexes: [], proposals: [] }
  if (!isObject(query)) throw badRequest(parsingFailed('it is not an object'))
  const ids = listOf(query, 'entryUUIDs')
  const indexes = listOf(query, 'logIndexes')
  const proposals = listOf(query, 'entries')
  if (ids.length + indexes.length + proposals.length > mostItems) {
    throw new RekorRefusal(422, `more than max allowed ${mostItems} entries in request`)
  }
  return { ids: ids.map(parseId), indexes: indexes.map(parseIndex), proposals }
}

function listOf(query: Readonly<Record<string, unknown>>, name: string): readonly unknown[] {
  const list = query[name]
  if (list === undefined || list === null) return []
  if (!Array.isArray(list)) throw badRequest(parsingFailed(`${name} is not a list`))
  if (list.length > mostItems) {
    throw badSchema('too_many_items', `${name} in body should have at most ${mostItems} items`)
  }
  if (list.length === 0) throw badSchema('too_few_items', `${name} in body should have at least 1 items`)
  return list
}

function parseId(text: unknown, position: number): EntryId {
  if (typeof text !== 'string') throw badRequest(parsingFailed('an entry UUID is not a string'))
  const id = parseEntryId(text)
  if (id === undefined) {
    throw badSchema('pattern', `entryUUIDs.${position} in body should match '${entryIdPattern}'`)
  }
  if (id.treeId !== undefined && id.treeId !== 0n && !isTreeId(id.treeId)) {
    throw badRequest(`invalid entryID ${escaped(text)}`)
  }
  return id
}

function parseIndex(index: unknown, position: number): bigint {
  if (typeof index !== 'number' || !Number.isInteger(index)) {
    throw badRequest(parsingFailed('a log index is not an integer'))
  }
  if (index < 0) {
    throw badSchema('below_minimum', `logIndexes.${position} in body should be greater than or equal to 0`)
  }
  return BigInt(index)
}

/** Many entries at once, by ID, by index, or by proposing them again (rekor-v1.md section 2.7). */
import { leafHash } from '@sigstack/merkle'
import { EntryError, type VerifiedEntry } from '@sigstack/rekor-entries'
import type { FastifyInstance } from 'fastify'
import { assertAccepts, jsonType } from './accept.ts'
import type { RekorV1Dependencies } from './dependencies.ts'
import { type EntryId, entryIdPattern, parseEntryId } from './entry-id.ts'
import { badRequest, badSchema, RekorRefusal } from './errors.ts'
import { isObject, notJson, parseJsonBody } from './json-body.ts'
import { encodeLogEntry } from './log-entry.ts'
import { findEntries, findEntry, prove, readEntry } from './read-entry.ts'
import { sendJsonText } from './reply.ts'
import { type Placed, virtualIndexOf } from './shard.ts'
import { isTreeId } from './tree-id.ts'

/** Of each list, and of all three together. */
const mostItems = 10

type Query = {
  readonly ids: readonly EntryId[]
  readonly indexes: readonly bigint[]
  readonly proposals: readonly unknown[]
}

export function retrieveRoutes(app: FastifyInstance, dependencies: RekorV1Dependencies): void {
  const { shards, verifyProposal, bodyLimitBytes, settings = {} } = dependencies
  const { attestations, largeBodies } = settings

  app.post('/api/v1/log/entries/retrieve', { bodyLimit: bodyLimitBytes }, async (request, reply) => {
    assertAccepts(request, jsonType)
    const { query, verified } = await readQuery(request.body)
    const { ids, indexes, proposals } = parseQuery(query)
    const inTree = ids.filter(({ treeId }) => treeId !== undefined)
    const anywhere: readonly EntryId[] = [
      ...ids.filter(({ treeId }) => treeId === undefined),
      ...(await Promise.all(
        proposals.map((proposal, i) => idOfProposal(verified?.[i] ?? (() => verifyProposal(proposal)))),
      )),
    ].toSorted((a, b) => Buffer.compare(a.leafHash, b.leafHash))
    const found = await Promise.all([
      ...inTree.map((id) => findEntry(shards, id)),
      // An entry that was logged again after a rollover is in two shards, and is answered twice.
      ...anywhere.map((id) => findEntries(shards, id)),
      ...indexes.map((index) => readEntry(shards, index)),
    ])
    const texts = await Promise.all(
      found
        .flat()
        .filter((placed) => placed !== undefined)
        .map(encode),
    )
    return sendJsonText(reply, 200, `[${texts.join(',')}]\n`)
  })

  /** Of a large body the proposals are verified with the parsing. */
  async function readQuery(
    body: unknown,
  ): Promise<{ query: unknown; verified?: readonly (() => VerifiedEntry)[] }> {
    if (largeBodies === undefined || !(body instanceof Uint8Array)) {
      return { query: parseJsonBody(body, 'entry', parsingFailed) }
    }
    const read = await largeBodies.verifyQuery(body)
    if (read === undefined) throw notJson(parsingFailed)
    return { query: read.query, verified: read.entries }
  }

  async function encode(placed: Placed): Promise<string> {
    const proven = await prove(placed, attestations)
    return (await encodeLogEntry(placed.shard, proven, virtualIndexOf(placed))).toString()
  }

  async function idOfProposal(verify: () => VerifiedEntry | Promise<VerifiedEntry>): Promise<EntryId> {
    try {
      const { body } = await verify()
      return { treeId: undefined, leafHash: leafHash(body) }
    } catch (error) {
      if (!(error instanceof EntryError)) throw error
      const isUnreadable = error.schemaFault !== undefined
      throw badRequest(isUnreadable ? parsingFailed(error.message) : error.message, error)
    }
  }
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
    throw badRequest(`invalid entryID ${text}`)
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

/** Entries, written and read (rekor-v1.md sections 2.4 to 2.6). */
import type { Log } from '@sigstack/log-engine'
import { leafHash } from '@sigstack/merkle'
import type { VerifiedEntry } from '@sigstack/rekor-entries'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { assertAccepts, jsonType } from './accept.ts'
import { inactiveLengths, type RekorV1Dependencies } from './dependencies.ts'
import { entryIdPattern, parseEntryId } from './entry-id.ts'
import { badSchema } from './errors.ts'
import { parseJsonBody } from './json-body.ts'
import { encodeLogEntryAnswer, entryIdOf, type ProvenEntry } from './log-entry.ts'
import { requiredInteger } from './query.ts'
import { findEntry, prove, readEntry } from './read-entry.ts'
import { sendEntryNotFound, sendJson, sendJsonText, uncached } from './reply.ts'
import { encodeSearchKeys } from './search-keys.ts'
import { virtualIndex } from './shards.ts'

export function entryRoutes(app: FastifyInstance, dependencies: RekorV1Dependencies): void {
  const { shard, verifyProposal, search, bodyLimitBytes } = dependencies

  app.post('/api/v1/log/entries', { bodyLimit: bodyLimitBytes }, async (request, reply) => {
    assertAccepts(request, jsonType)
    const proposal = parseJsonBody(request.body, 'proposedEntry', (reason) => reason)
    const verified = await verifyProposal(proposal)
    const { entry, duplicate, checkpoint, inclusionProof } = await append(shard.log, verified)
    const entryId = entryIdOf(shard, entry)
    // A path without host: sigstore-java appends it to its base URI.
    reply.header('Location', `/api/v1/log/entries/${entryId}`)
    if (duplicate) {
      const message = `an equivalent entry already exists in the transparency log with UUID ${entryId}`
      return sendJson(reply, 409, { code: 409, message })
    }
    search.remember(entry.leafIndex, verified.searchKeys)
    // Without quotes: sigstore-go looks the entry up in the answer by this very text.
    reply.header('ETag', entryId)
    const proven = { entry, checkpoint, inclusionProof }
    return sendJsonText(reply, 201, await encodeLogEntryAnswer(shard, proven, virtualOf(proven)))
  })

  app.get('/api/v1/log/entries', async (request, reply) => {
    assertAccepts(request, jsonType)
    const entry = await readEntry(shard, requiredInteger(request, 'logIndex', 0n))
    return entry === undefined
      ? sendEntryNotFound(uncached(reply))
      : sendEntry(reply, await prove(shard, entry))
  })

  app.get<{ Params: { entryUUID: string } }>('/api/v1/log/entries/:entryUUID', async (request, reply) => {
    assertAccepts(request, jsonType)
    const id = parseEntryId(request.params.entryUUID)
    if (id === undefined) throw badSchema('pattern', `entryUUID in path should match '${entryIdPattern}'`)
    const entry = await findEntry(shard, id)
    return entry === undefined
      ? sendEntryNotFound(uncached(reply))
      : sendEntry(reply, await prove(shard, entry))
  })

  async function sendEntry(reply: FastifyReply, proven: ProvenEntry): Promise<FastifyReply> {
    return sendJsonText(uncached(reply), 200, await encodeLogEntryAnswer(shard, proven, virtualOf(proven)))
  }
}

/** Equality of entries is equality of their leaf hashes. */
function append(log: Log, verified: VerifiedEntry): ReturnType<Log['append']> {
  const extra = encodeSearchKeys(verified)
  const encoded = { leaf: verified.body, ...(extra === undefined ? {} : { extra }) }
  return log.append({ identity: leafHash(verified.body), encode: () => encoded })
}

export function virtualOf({ entry }: ProvenEntry): bigint {
  return virtualIndex(inactiveLengths, { shard: inactiveLengths.length, leafIndex: entry.leafIndex })
}

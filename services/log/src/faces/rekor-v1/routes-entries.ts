/** Entries, written and read (rekor-v1.md sections 2.4 to 2.6). */
import { leafHash } from '@sigstack/merkle'
import type { VerifiedEntry } from '@sigstack/rekor-entries'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { assertAccepts, jsonType } from './accept.ts'
import type { RekorV1Dependencies } from './dependencies.ts'
import { entryIdPattern, parseEntryId } from './entry-id.ts'
import { badSchema } from './errors.ts'
import { parseJsonBody } from './json-body.ts'
import { encodeLogEntryAnswer, entryIdOf } from './log-entry.ts'
import { requiredInteger } from './query.ts'
import { findEntry, prove, readEntry } from './read-entry.ts'
import { sendEntryNotFound, sendJson, sendJsonText, uncached } from './reply.ts'
import { encodeSearchKeys, searchKeysOfVerified } from './search-keys.ts'
import { type Placed, type Shards, virtualIndexOf } from './shard.ts'

export function entryRoutes(app: FastifyInstance, dependencies: RekorV1Dependencies): void {
  const { shards, verifyProposal, search, bodyLimitBytes } = dependencies

  app.post('/api/v1/log/entries', { bodyLimit: bodyLimitBytes }, async (request, reply) => {
    assertAccepts(request, jsonType)
    const proposal = parseJsonBody(request.body, 'proposedEntry', (reason) => reason)
    const verified = await verifyProposal(proposal)
    const appended = await append(shards, verified)
    const { shard, entry, duplicate } = appended
    const entryId = entryIdOf(shard, entry)
    // A path without host: sigstore-java appends it to its base URI.
    reply.header('Location', `/api/v1/log/entries/${entryId}`)
    if (duplicate) {
      const message = `an equivalent entry already exists in the transparency log with UUID ${entryId}`
      return sendJson(reply, 409, { code: 409, message })
    }
    const virtualIndex = virtualIndexOf(appended)
    search.remember(virtualIndex, searchKeysOfVerified(verified))
    // Without quotes: sigstore-go looks the entry up in the answer by this very text.
    reply.header('ETag', entryId)
    return sendJsonText(reply, 201, await encodeLogEntryAnswer(shard, appended, virtualIndex))
  })

  app.get('/api/v1/log/entries', async (request, reply) => {
    assertAccepts(request, jsonType)
    const placed = await readEntry(shards, requiredInteger(request, 'logIndex', 0n))
    return placed === undefined ? sendEntryNotFound(uncached(reply)) : sendEntry(reply, placed)
  })

  app.get<{ Params: { entryUUID: string } }>('/api/v1/log/entries/:entryUUID', async (request, reply) => {
    assertAccepts(request, jsonType)
    const id = parseEntryId(request.params.entryUUID)
    if (id === undefined) throw badSchema('pattern', `entryUUID in path should match '${entryIdPattern}'`)
    const placed = await findEntry(shards, id)
    return placed === undefined ? sendEntryNotFound(uncached(reply)) : sendEntry(reply, placed)
  })

  async function sendEntry(reply: FastifyReply, placed: Placed): Promise<FastifyReply> {
    const proven = await prove(placed)
    const answer = await encodeLogEntryAnswer(placed.shard, proven, virtualIndexOf(placed))
    return sendJsonText(uncached(reply), 200, answer)
  }
}

/** Equality of entries is equality of their leaf hashes. */
function append(shards: Shards, verified: VerifiedEntry): ReturnType<Shards['append']> {
  const extra = encodeSearchKeys(verified)
  const encoded = { leaf: verified.body, ...(extra === undefined ? {} : { extra }) }
  return shards.append({ identity: leafHash(verified.body), encode: () => encoded })
}

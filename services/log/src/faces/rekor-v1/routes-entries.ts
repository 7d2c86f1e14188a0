/** Entries, written and read (rekor-v1.md sections 2.4 to 2.6). */
import { leafHash } from '@sigstack/merkle'
import type { VerifiedEntry } from '@sigstack/rekor-entries'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { assertAccepts, jsonType } from './accept.ts'
import type { RekorV1Dependencies } from './dependencies.ts'
import { entryIdPattern, parseEntryId } from './entry-id.ts'
import { badSchema } from './errors.ts'
import { notJson, textOf } from './json-body.ts'
import { encodeLogEntryAnswer, entryIdOf } from './log-entry.ts'
import { requiredInteger } from './query.ts'
import { findEntry, prove, readEntry } from './read-entry.ts'
import { sendEntryNotFound, sendJson, sendJsonText, uncachedRoute } from './reply.ts'
import { encodeSearchKeys } from './search-keys.ts'
import { type Placed, type Shards, virtualIndexOf } from './shard.ts'

export function entryRoutes(app: FastifyInstance, dependencies: RekorV1Dependencies): void {
  const { shards, verifyText, bodyLimitBytes, settings = {} } = dependencies
  const { gate, attestations, largeBodies } = settings

  const routeOptions = {
    bodyLimit: bodyLimitBytes,
    // Before the body is read: whoever writes too much is not listened to.
    ...(gate !== undefined && { onRequest: (request: FastifyRequest) => gate.admitAddress(request.ip) }),
  }
  app.post('/api/v1/log/entries', routeOptions, async (request, reply) => {
    assertAccepts(request, jsonType)
    const verified = await verifyBody(request.body)
    await gate?.admitEntry(verified.body, request.ip)
    const appended = await append(shards, verified)
    if (verified.attestation !== undefined) await attestations?.keep(verified.attestation)
    const { shard, entry, duplicate } = appended
    const entryId = entryIdOf(shard, entry)
    // A path without host: sigstore-java appends it to its base URI.
    reply.header('Location', `/api/v1/log/entries/${entryId}`)
    if (duplicate && settings.duplicates !== 'existing') {
      const message = `an equivalent entry already exists in the transparency log with UUID ${entryId}`
      return sendJson(reply, 409, { code: 409, message })
    }
    const virtualIndex = virtualIndexOf(appended)
    // Without quotes: sigstore-go looks the entry up in the answer by this very text.
    reply.header('ETag', entryId)
    return sendJsonText(reply, 201, await encodeLogEntryAnswer(shard, appended, virtualIndex))
  })

  app.get('/api/v1/log/entries', uncachedRoute, async (request, reply) => {
    assertAccepts(request, jsonType)
    const placed = await readEntry(shards, requiredInteger(request, 'logIndex', 0n))
    return placed === undefined ? sendEntryNotFound(reply) : sendEntry(reply, placed)
  })

  app.get<{ Params: { entryUUID: string } }>(
    '/api/v1/log/entries/:entryUUID',
    uncachedRoute,
    async (request, reply) => {
      assertAccepts(request, jsonType)
      const id = parseEntryId(request.params.entryUUID)
      if (id === undefined) throw badSchema('pattern', `entryUUID in path should match '${entryIdPattern}'`)
      const placed = await findEntry(shards, id)
      return placed === undefined ? sendEntryNotFound(reply) : sendEntry(reply, placed)
    },
  )

  async function verifyBody(body: unknown): Promise<VerifiedEntry> {
    const verified =
      largeBodies !== undefined && body instanceof Uint8Array
        ? await largeBodies.verifyEntry(body)
        : await verifyText(textOf(body, 'proposedEntry'))
    if (verified === undefined) throw notJson((reason) => reason)
    return verified
  }

  async function sendEntry(reply: FastifyReply, placed: Placed): Promise<FastifyReply> {
    const proven = await prove(placed, attestations)
    const answer = await encodeLogEntryAnswer(placed.shard, proven, virtualIndexOf(placed))
    return sendJsonText(reply, 200, answer)
  }
}

/** Equality of entries is equality of their leaf hashes. */
function append(shards: Shards, verified: VerifiedEntry): ReturnType<Shards['append']> {
  const extra = encodeSearchKeys(verified)
  const encoded = { leaf: verified.body, ...(extra === undefined ? {} : { extra }) }
  return shards.append({
    identity: leafHash(verified.body),
    sizeBytes: verified.body.length + (encoded.extra?.length ?? 0),
    encode: () => encoded,
  })
}

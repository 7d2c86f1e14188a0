/** Entries, written and read (rekor-v1.md sections 2.4 to 2.6). */

import { networkOf } from '@sigstack/limits'
import { type Hash, leafHash } from '@sigstack/merkle'
import type { VerifiedEntry } from '@sigstack/rekor-entries'
import {
  encodeSearchKeys,
  entryIdOf,
  entryIdPattern,
  findEntry,
  isTreeId,
  type Placed,
  parseEntryId,
  readEntry,
  type Shards,
  treeIdHex,
  virtualIndexOf,
} from '@sigstack/rekor-log'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { admitBeforeBody } from '../../admission/before-body.ts'
import { assertAccepts, jsonType } from './accept.ts'
import type { RekorV1Dependencies } from './dependencies.ts'
import { badRequest, badSchema, RekorRefusal } from './errors.ts'
import { notJson, textOf } from './json-body.ts'
import { encodeLogEntryAnswer } from './log-entry.ts'
import { loggedSignatures } from './logged-signatures.ts'
import { prove } from './prove.ts'
import { requiredInteger } from './query.ts'
import { sendEntryNotFound, sendJson, sendJsonText, uncachedRoute } from './reply.ts'
import type { Handler } from './route.ts'

export const createLogEntry: Handler = (face) => {
  const { shards, bodyLimitBytes, entryLimitBytes, settings = {} } = face
  const { gate, attestations } = settings
  const { hooks, senderOf } = admitBeforeBody(gate)
  return {
    bodyLimit: bodyLimitBytes,
    ...hooks,
    handler: async (request, reply) => {
      const verified = await verifyBody(face, request.body, networkOf(request.ip))
      assertFits(verified.body, entryLimitBytes)
      const identity = leafHash(verified.body)
      // Of every shard: after a rollover an entry may be logged again, and is no news for that.
      const isNew = async () =>
        (await findEntry(shards, { treeId: undefined, leafHash: identity })) === undefined
      const log = { isNew, hasSignature: loggedSignatures(face, verified) }
      await gate?.admitEntry(verified, request.ip, log, senderOf(request))
      const appended = await append(shards, verified, identity)
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
    },
  }
}

export const getLogEntryByIndex: Handler = (face) => ({
  ...uncachedRoute,
  handler: async (request, reply) => {
    assertAccepts(request, jsonType)
    return sendEntry(
      face,
      request,
      reply,
      await readEntry(face.shards, requiredInteger(request, 'logIndex', 0n)),
    )
  },
})

export const getLogEntryByUuid: Handler = (face) => ({
  ...uncachedRoute,
  handler: async (request, reply) => {
    assertAccepts(request, jsonType)
    const id = parseEntryId((request.params as { readonly entryUUID: string }).entryUUID)
    if (id === undefined) throw badSchema('pattern', `entryUUID in path should match '${entryIdPattern}'`)
    const { treeId } = id
    if (treeId !== undefined && treeId !== 0n && !isTreeId(treeId))
      throw badRequest(`validation error: ${treeIdHex(treeId)} is not a valid TreeID`)
    return sendEntry(face, request, reply, await findEntry(face.shards, id))
  },
})

async function verifyBody(
  { verifyText, settings }: RekorV1Dependencies,
  body: unknown,
  sender: string,
): Promise<VerifiedEntry> {
  const largeBodies = settings?.largeBodies
  const verified =
    largeBodies !== undefined && body instanceof Uint8Array
      ? await largeBodies.verifyEntry(body, sender)
      : await verifyText(textOf(body, 'proposedEntry'), sender)
  if (verified === undefined) throw notJson((reason) => reason, body)
  return verified
}

async function sendEntry(
  { settings, prepared }: RekorV1Dependencies,
  request: FastifyRequest,
  reply: FastifyReply,
  placed: Placed | undefined,
): Promise<FastifyReply> {
  if (placed === undefined) return sendEntryNotFound(reply)
  const attestations = settings?.attestations
  const answer = async () => {
    const proven = await prove(placed, attestations)
    const body = await encodeLogEntryAnswer(placed.shard, proven, virtualIndexOf(placed))
    return { body, size: proven.checkpoint.treeHead.size }
  }
  const first = await answer()
  // An attestation may be kept later than its entry.
  return sendJsonText(reply, 200, first.body, () => {
    if (attestations === undefined) prepared?.keep(request, reply, first.body, proofOf(placed, first, answer))
  })
}

type ProofAnswer = { readonly body: Buffer; readonly size: bigint }

/** What is kept while the tree stands, and made anew, once for all who wait for it, when it has grown. */
function proofOf({ shard }: Placed, first: ProofAnswer, answer: () => Promise<ProofAnswer>) {
  let given = first
  let making: Promise<ProofAnswer> | undefined
  return () => {
    if (shard.log.isRecent(given.size)) return true
    making ??= answer().finally(() => {
      making = undefined
    })
    return making.then((next) => {
      given = next
      return next.body
    })
  }
}

/** Equality of entries is equality of their leaf hashes. */
function append(shards: Shards, verified: VerifiedEntry, identity: Hash): ReturnType<Shards['append']> {
  const extra = encodeSearchKeys(verified)
  const encoded = { leaf: verified.body, leafHash: identity, ...(extra === undefined ? {} : { extra }) }
  return shards.append({
    identity,
    sizeBytes: verified.body.length + (encoded.extra?.length ?? 0),
    encode: () => encoded,
  })
}

/** One that is too large for an entry bundle takes its 255 neighbours from everybody who reads the log by tiles. */
function assertFits({ length }: Uint8Array, limitBytes: number): void {
  if (length <= limitBytes) return
  throw new RekorRefusal(413, `the entry has ${length} bytes, and this log takes at most ${limitBytes}`)
}

/** The log as a whole: its heads, its keys, and that it only grows (rekor-v1.md sections 2.1 to 2.3). */
import { toHex } from '@sigstack/crypto'
import { findShard, isTreeId, type Shard } from '@sigstack/rekor-log'
import { assertAccepts, jsonType, pemType, preferredType } from './accept.ts'
import { badRequest } from './errors.ts'
import { withOwnLineAlone } from './own-line.ts'
import { integerParameter, requiredInteger, treeIdParameter } from './query.ts'
import { sendJson, sendJsonText, sendText, uncachedRoute } from './reply.ts'
import type { Handler } from './route.ts'

export const getLogInfo: Handler = ({ shards }) => ({
  ...uncachedRoute,
  handler: async (request, reply) => {
    assertAccepts(request, jsonType)
    const [active, ...inactive] = (await Promise.all(shards.list().map(infoOf))).toReversed()
    return sendJsonText(
      reply,
      200,
      `{"inactiveShards":[${inactive.reverse().map(asObject).join(',')}],${active}}\n`,
    )
  },
})

export const getPublicKey: Handler = ({ shards }) => ({
  ...uncachedRoute,
  handler: async (request, reply) => {
    const type = preferredType(request, [pemType, jsonType])
    const treeId = treeIdParameter(request)
    const shard = treeId === undefined ? shards.active() : await findShard(shards, treeId)
    if (shard === undefined) throw badRequest('Bad Request')
    if (type === jsonType) return sendJson(reply, 200, shard.publicKeyPem)
    return sendText(reply, pemType, shard.publicKeyPem)
  },
})

// Not in upstream: whoever publishes the trust needs all keys, and a new one before it signs.
export const getPublicKeys: Handler = ({ shards }) => ({
  ...uncachedRoute,
  handler: async (request, reply) => {
    assertAccepts(request, pemType)
    return sendText(reply, pemType, (await shards.publicKeys()).join(''))
  },
})

export const getLogProof: Handler = ({ shards }) => ({
  ...uncachedRoute,
  handler: async (request, reply) => {
    assertAccepts(request, jsonType)
    const firstSize = integerParameter(request, 'firstSize', 1n) ?? 1n
    const lastSize = requiredInteger(request, 'lastSize', 1n)
    const treeId = treeIdParameter(request)
    if (treeId !== undefined && !isTreeId(treeId)) {
      throw badRequest(
        treeId === 0n ? 'no log range found for tree ID 0' : `invalid tree ID specified: ${treeId}`,
      )
    }
    if (firstSize > lastSize) {
      throw badRequest(`firstSize(${firstSize}) must be less than lastSize(${lastSize})`)
    }
    const shard = treeId === undefined ? shards.active() : await findShard(shards, treeId)
    if (shard === undefined) throw badRequest(`no log range found for tree ID ${treeId}`)
    const { size, rootHash } = await shard.log.treeHead()
    if (lastSize > size) {
      throw badRequest(
        `the tree size requested(${lastSize}) was greater than what is currently observable(${size})`,
      )
    }
    const { hashes } = await shard.log.proveConsistency(firstSize, lastSize)
    // The root is that of the tree as it is now, not of lastSize: clients take roots from checkpoints.
    const proof = { hashes: hashes.map(toHex), rootHash: toHex(rootHash) }
    return sendJsonText(reply, 200, `${JSON.stringify(proof)}\n`)
  },
})

/** The members that describe one shard, written by hand because a tree size may exceed what JSON.stringify can say. */
async function infoOf({ log, treeId }: Shard): Promise<string> {
  const { treeHead, note } = await log.checkpoint()
  return `"rootHash":"${toHex(treeHead.rootHash)}","signedTreeHead":${JSON.stringify(withOwnLineAlone(note))},"treeID":"${treeId}","treeSize":${treeHead.size}`
}

function asObject(members: string): string {
  return `{${members}}`
}

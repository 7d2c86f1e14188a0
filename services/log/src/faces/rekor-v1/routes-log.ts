/** The log as a whole: its head, its key, and that it only grows (rekor-v1.md sections 2.1 to 2.3). */
import { toHex } from '@sigstack/crypto'
import type { FastifyInstance } from 'fastify'
import { assertAccepts, jsonType, pemType } from './accept.ts'
import type { RekorV1Dependencies } from './dependencies.ts'
import { badRequest } from './errors.ts'
import { integerParameter, requiredInteger, treeIdParameter } from './query.ts'
import { sendJsonText, sendText, uncached } from './reply.ts'
import { isTreeId } from './tree-id.ts'

export function logRoutes(app: FastifyInstance, { shard }: RekorV1Dependencies): void {
  const { log } = shard

  app.get('/api/v1/log', async (request, reply) => {
    assertAccepts(request, jsonType)
    const { treeHead, note } = await log.checkpoint()
    // Written by hand because a tree size may exceed what JSON.stringify can say without rounding.
    const info =
      `{"inactiveShards":[],"rootHash":"${toHex(treeHead.rootHash)}","signedTreeHead":${JSON.stringify(note)},` +
      `"treeID":"${shard.treeId}","treeSize":${treeHead.size}}\n`
    return sendJsonText(uncached(reply), 200, info)
  })

  app.get('/api/v1/log/publicKey', async (request, reply) => {
    assertAccepts(request, pemType)
    const treeId = treeIdParameter(request)
    if (treeId !== undefined && treeId !== shard.treeId) throw badRequest('Bad Request')
    return sendText(uncached(reply), pemType, shard.publicKeyPem)
  })

  app.get('/api/v1/log/proof', async (request, reply) => {
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
    if (treeId !== undefined && treeId !== shard.treeId) {
      throw badRequest(`no log range found for tree ID ${treeId}`)
    }
    const { size, rootHash } = await log.treeHead()
    if (lastSize > size) {
      throw badRequest(
        `the tree size requested(${lastSize}) was greater than what is currently observable(${size})`,
      )
    }
    const { hashes } = await log.proveConsistency(firstSize, lastSize)
    // The root is that of the tree as it is now, not of lastSize: clients take roots from checkpoints.
    const proof = { hashes: hashes.map(toHex), rootHash: toHex(rootHash) }
    return sendJsonText(uncached(reply), 200, `${JSON.stringify(proof)}\n`)
  })
}

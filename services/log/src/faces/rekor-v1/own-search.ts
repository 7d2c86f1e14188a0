/**
 * `/api/v1/search`: what entries are about, by more than Rekor's index asks, in pages. Not in upstream; described in
 * `/swagger.json`. A hint like all search: the entry has to be fetched and verified.
 */
import { isObject } from '@sigstack/crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { searchLogs } from '../../search/answer.ts'
import { keyQueryLimitBytes } from '../../search/public-key.ts'
import { parseOwnSearch } from '../../search/query.ts'
import { assertAccepts, jsonType } from './accept.ts'
import type { RekorV1Dependencies } from './dependencies.ts'
import { parseJsonBody } from './json-body.ts'
import { sendJsonText, uncachedRoute } from './reply.ts'
import type { Handler } from './route.ts'

export const searchByParameters: Handler = (face) => ({
  ...uncachedRoute,
  handler: (request, reply) => answer(face, request, reply, request.query),
})

export const search: Handler = (face) => ({
  ...uncachedRoute,
  bodyLimit: keyQueryLimitBytes,
  handler: (request, reply) =>
    answer(face, request, reply, parseJsonBody(request.body, 'query', parsingFailed)),
})

function parsingFailed(reason: string): string {
  return `parsing query body failed: ${reason}`
}

async function answer(
  { searched, settings, now }: RekorV1Dependencies,
  request: FastifyRequest,
  reply: FastifyReply,
  asked: unknown,
): Promise<FastifyReply> {
  assertAccepts(request, jsonType)
  // A key is parsed as one of a proposal is.
  if (isObject(asked) && asked['publicKey'] !== undefined) await settings?.gate?.admitAddress(request.ip)
  const query = await parseOwnSearch(asked, now())
  return sendJsonText(reply, 200, await searchLogs(await searched(), query))
}

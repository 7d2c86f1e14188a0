/** `/api/v1/search`, as the Rekor v1 face has it: upstream's v2 has no search. A hint: the entry has to be read and verified. */
import { isObject, parseBoundedJson } from '@sigstack/crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { searchLogs } from '../../search/answer.ts'
import { badQuery } from '../../search/errors.ts'
import { keyQueryLimitBytes } from '../../search/public-key.ts'
import { parseOwnSearch } from '../../search/query.ts'
import type { RekorV2Dependencies } from './dependencies.ts'
import { sendJsonText } from './reply.ts'
import type { Handler } from './route.ts'

export const searchByParameters: Handler = (face) => ({
  handler: (request, reply) => answer(face, request, reply, request.query),
})

export const search: Handler = (face) => ({
  bodyLimit: keyQueryLimitBytes,
  handler: (request, reply) => answer(face, request, reply, parseBody(request.body)),
})

function parseBody(body: unknown): unknown {
  try {
    return parseBoundedJson(typeof body === 'string' ? body : '')
  } catch (cause) {
    throw badQuery('parsing query body failed: the body is not valid JSON', cause)
  }
}

async function answer(
  { searched, gate, now }: RekorV2Dependencies,
  request: FastifyRequest,
  reply: FastifyReply,
  asked: unknown,
): Promise<FastifyReply> {
  // A key is parsed as one of a request is.
  if (isObject(asked) && asked['publicKey'] !== undefined) await gate?.admitAddress(request.ip)
  const query = await parseOwnSearch(asked, now())
  const page = await searchLogs(await searched(), query)
  return sendJsonText(reply.header('Cache-Control', 'no-store'), 200, Buffer.from(page))
}

/** The wire of C2SP tlog-mirror: uploads of entries, and the copies by tiles. */
import { createGunzip } from 'node:zlib'
import { errorCode } from '@sigstack/crypto'
import { parseTilePath } from '@sigstack/merkle'
import { ignoreContentType } from '@sigstack/server'
import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify'
import { WitnessError } from '../cosigning/errors.ts'
import type { WitnessMetrics } from '../metrics.ts'
import type { Mirror, MirrorInfo } from '../mirroring/add-entries.ts'
import { boundAtOnce } from './bound-at-once.ts'
import { parseOriginHash } from './origin-hash.ts'

export type MirrorRouteOptions = { readonly mirror: Mirror; readonly metrics: WitnessMetrics }

/** Each holds one bundle in memory, of at most 16 MB; one network has at most half of them, since a slow one takes long. */
const mostUploads = 8

export const mirrorRoutes: FastifyPluginCallback<MirrorRouteOptions> = (app, { mirror, metrics }, done) => {
  leaveBodies(app)
  const bounded = boundAtOnce(mostUploads, mostUploads / 2)

  app.post('/add-entries', (request, reply) =>
    bounded(request.ip, async () => {
      const outcome = await mirror.addEntries(bodyOf(request))
      metrics.uploads.inc({ outcome: outcome.kind })
      reply.header('accept-encoding', 'gzip')
      if (outcome.kind === 'mirrored') return reply.type('text/plain; charset=utf-8').send(outcome.lines)
      return reply
        .code(outcome.kind === 'partial' ? 202 : 409)
        .type('text/x.tlog.mirror-info')
        .send(encodeInfo(outcome.info))
    }),
  )

  app.get<{ Params: { originHash: string } }>('/mirror/:originHash/checkpoint', async (request, reply) => {
    const originHash = parseOriginHash(request.params.originHash)
    const note = originHash && (await mirror.checkpoint(originHash))
    if (note === undefined) return notThere(reply)
    return reply
      .headers({ 'access-control-allow-origin': '*', 'cache-control': 'no-cache' })
      .type('text/plain; charset=utf-8')
      .send(note)
  })

  type TilePath = { Params: { originHash: string; '*': string } }
  app.get<TilePath>('/mirror/:originHash/tile/*', async (request, reply) => {
    const originHash = parseOriginHash(request.params.originHash)
    const coordinates = parseTilePath(`tile/${request.params['*']}`)
    if (originHash === undefined || coordinates === undefined) return notThere(reply)
    const { level, index, width } = coordinates
    const bytes =
      level === 'entries'
        ? await mirror.bundle(originHash, index, width)
        : await mirror.tile(originHash, level, index, width)
    if (bytes === undefined) return notThere(reply)
    return reply
      .headers({ 'access-control-allow-origin': '*', 'cache-control': 'max-age=604800, immutable' })
      .type('application/octet-stream')
      .send(bytes)
  })
  done()
}

/** Uploads are read as they come. */
function leaveBodies(app: Parameters<typeof mirrorRoutes>[0]): void {
  ignoreContentType(app)
  app.addContentTypeParser('*', (_request, _body, done) => done(null))
}

async function* bodyOf(request: FastifyRequest): AsyncIterable<Uint8Array> {
  const coding = request.headers['content-encoding'] ?? 'identity'
  if (coding === 'identity') return yield* request.raw
  if (coding !== 'gzip') throw new WitnessError('malformed', 'the body is coded otherwise than by gzip')
  const inflating = request.raw.pipe(createGunzip())
  request.raw.once('error', (error) => inflating.destroy(error))
  try {
    yield* inflating
  } catch (cause) {
    if (errorCode(cause)?.startsWith('Z_') !== true) throw cause
    throw new WitnessError('malformed', 'the body is no gzip', { cause })
  } finally {
    request.raw.unpipe(inflating)
    inflating.destroy()
  }
}

/** The third line would be a ticket. As bytes: the framework adds a charset to texts. */
function encodeInfo({ treeSize, nextEntry }: MirrorInfo): Buffer {
  return Buffer.from(`${treeSize}\n${nextEntry}\n\n`)
}

/** Not to be cached for long: a wider tile may come in a moment. */
function notThere(reply: FastifyReply): FastifyReply {
  return reply
    .code(404)
    .headers({ 'access-control-allow-origin': '*', 'cache-control': 'no-cache' })
    .type('text/plain; charset=utf-8')
    .send('not found\n')
}

/**
 * Reading a log by tiles (C2SP tlog-tiles): `/checkpoint`, `/tile/<L>/<N>[.p/<W>]` and `/tile/entries/<N>[.p/<W>]`. The same for
 * every log, whatever its entries are. What is not there yet is 404, which readers take as "try the full tile".
 */

import { askerOf } from '@sigstack/limits/turnstile'
import type { LogReader } from '@sigstack/log-engine'
import { parseTilePath, tileWidth } from '@sigstack/merkle'
import { type PreparedAnswers, takesGzip } from '@sigstack/server'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { hasTag, strongTagOf } from './entity-tag.ts'
import type { EntryBundle, EntryBundles } from './entry-bundles.ts'

export { createEntryBundles, type EncodeEntry } from './entry-bundles.ts'

/** Of one log: some 2,800 tiles, or 5,000 answers with proofs. */
export const preparedBytes = 25_165_824

export type TilesDependencies = {
  /** The log; of several the one that the path names, where it names one, or the host. */
  readonly log: (shard: string | undefined, host: string) => Promise<LogReader | undefined>
  /** Before `/checkpoint`; empty, like `/2026`, or with a parameter `:shard`. */
  readonly pathPrefix: string
  /** The path stands for one log now and may stand for another later, as that of the active shard; this tells which. */
  readonly alias?: () => LogReader
  /** Whether a host names its log for good; by any other one a path may stand for another log later. By default all do. */
  readonly isNamed?: (host: string) => boolean
  readonly bundles: EntryBundles
  /** Below `tile/data`, where the dialect has such bundles too. */
  readonly dataBundles?: EntryBundles
  /** Full tiles of hashes are kept there. */
  readonly prepared?: PreparedAnswers
}

const dataPath = 'data/'

export const tilesFace: FastifyPluginAsync<TilesDependencies> = async (app, dependencies) => {
  const { log: logOf, pathPrefix, alias, isNamed = () => true, bundles, dataBundles, prepared } = dependencies
  // A tile of a given width never changes; what is called by its alias does (RFC 8246 section 2).
  const cachingAt = (host: string): string =>
    alias === undefined && isNamed(host) ? 'max-age=604800, immutable' : 'no-cache'

  app.get<{ Params: { shard?: string } }>(`${pathPrefix}/checkpoint`, async (request, reply) => {
    const log = await logOf(request.params.shard, request.host)
    if (log === undefined) return notThere(reply)
    const { note } = await log.checkpoint()
    return reply
      .headers({ 'Access-Control-Allow-Origin': '*', 'Cache-Control': 'no-cache' })
      .type('text/plain; charset=utf-8')
      .send(note)
  })

  // Bundles are large and dear to make; hashes are neither.
  const config = { isLarge: ({ url }: FastifyRequest) => /\/tile\/(?:entries|data)\//.test(url) }
  type TilePath = { Params: { shard?: string; '*': string } }
  app.get<TilePath>(`${pathPrefix}/tile/*`, { config }, async (request, reply) => {
    const path = request.params['*']
    const ofData = dataBundles !== undefined && path.startsWith(dataPath) ? dataBundles : undefined
    const coordinates = parseTilePath(`tile/${ofData ? `entries/${path.slice(dataPath.length)}` : path}`)
    const log = await logOf(request.params.shard, request.host)
    const ofEntries = ofData ?? bundles
    if (coordinates === undefined || log === undefined) return notThere(reply)
    const { level, index, width } = coordinates
    if (level === 'entries') {
      reply.header('Vary', 'Accept-Encoding')
      // Hashes do not compress; entries, which repeat certificates and JSON, do.
      const takes = takesGzip(request.headers['accept-encoding'])
      return sendTile(request, reply, await ofEntries.read(log, { index, width }, takes, askerOf(request)))
    }
    const bytes = await log.readTile(level, index, width)
    const tile = bytes && { bytes, encoding: undefined, etag: strongTagOf(bytes) }
    const isStill = () => alias === undefined || alias() === log
    return sendTile(request, reply, tile, width === tileWidth ? isStill : undefined)
  })

  function sendTile(
    request: FastifyRequest,
    reply: FastifyReply,
    tile: EntryBundle | undefined,
    isStill?: () => boolean,
  ): FastifyReply {
    if (tile === undefined) return notThere(reply)
    const { bytes, encoding, etag } = tile
    reply.headers({
      'Access-Control-Allow-Origin': '*',
      'Cache-Control': cachingAt(request.host),
      ETag: etag,
    })
    if (hasTag(request.headers['if-none-match'], etag)) return reply.code(304).send()
    if (encoding !== undefined) reply.header('Content-Encoding', encoding)
    reply.code(200).type('application/octet-stream')
    if (isStill !== undefined) prepared?.keep(request, reply, bytes, isStill)
    return reply.send(bytes)
  }
}

/** Never to be cached for long: a partial tile may appear in a moment. */
function notThere(reply: FastifyReply): FastifyReply {
  return reply
    .code(404)
    .headers({ 'Access-Control-Allow-Origin': '*', 'Cache-Control': 'no-cache' })
    .type('text/plain; charset=utf-8')
    .send('not found\n')
}

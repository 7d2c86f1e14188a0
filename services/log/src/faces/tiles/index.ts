/**
 * Reading a log by tiles (C2SP tlog-tiles): `/checkpoint`, `/tile/<L>/<N>[.p/<W>]` and `/tile/entries/<N>[.p/<W>]`. The same for
 * every log, whatever its entries are. What is not there yet is 404, which readers take as "try the full tile".
 */
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Log } from '@sigstack/log-engine'
import { parseTilePath, tileWidth, widthOfTile } from '@sigstack/merkle'
import type { FastifyPluginAsync, FastifyReply } from 'fastify'

export type TilesDependencies = {
  /** The log; of several the one that the path names, where it names one. */
  readonly log: (shard: string | undefined) => Promise<Log | undefined>
  /** Before `/checkpoint`; empty, like `/2026`, or with a parameter `:shard`. */
  readonly pathPrefix: string
}

const tileHeaders = {
  'Access-Control-Allow-Origin': '*',
  'Content-Type': 'application/octet-stream',
  // A tile of a given width never changes.
  'Cache-Control': 'max-age=604800, immutable',
} as const

/** Bundles give an entry's length in 16 bits. */
const longestEntry = 65_535

export const tilesFace: FastifyPluginAsync<TilesDependencies> = async (app, { log: logOf, pathPrefix }) => {
  app.get<{ Params: { shard?: string } }>(`${pathPrefix}/checkpoint`, async (request, reply) => {
    const log = await logOf(request.params.shard)
    if (log === undefined) return notThere(reply)
    const { note } = await log.checkpoint()
    return reply
      .headers({ 'Access-Control-Allow-Origin': '*', 'Cache-Control': 'no-cache' })
      .type('text/plain; charset=utf-8')
      .send(note)
  })

  app.get<{ Params: { shard?: string; '*': string } }>(`${pathPrefix}/tile/*`, async (request, reply) => {
    const coordinates = parseTilePath(`tile/${request.params['*']}`)
    const log = await logOf(request.params.shard)
    if (coordinates === undefined || log === undefined) return notThere(reply)
    const { level, index, width } = coordinates
    if (level !== 'entries') return sendTile(reply, await log.readTile(level, index, width))
    const bundle = await readBundle(log, index, width)
    reply.header('Vary', 'Accept-Encoding')
    if (bundle === undefined || !takesGzip(request.headers['accept-encoding'])) return sendTile(reply, bundle)
    // Hashes do not compress; entries, which repeat certificates and JSON, do.
    return sendTile(reply.header('Content-Encoding', 'gzip'), await compress(bundle))
  })
}

const compress = promisify(gzip)

function takesGzip(acceptEncoding: string | readonly string[] | undefined): boolean {
  return String(acceptEncoding ?? '')
    .split(',')
    .some((offer) => /^\s*(?:gzip|\*)\s*(?:;\s*q=(?:0?\.\d*[1-9]\d*|1(?:\.0*)?)\s*)?$/i.test(offer))
}

async function readBundle(log: Log, index: bigint, width: number): Promise<Uint8Array | undefined> {
  const { size } = await log.treeHead()
  if (width > widthOfTile(0, index, size)) return undefined
  const bundle: Uint8Array[] = []
  for (const { leaf } of await log.readEntries(index * BigInt(tileWidth), width)) {
    // Longer ones cannot be put into a bundle; tiles and proofs of them are served all the same.
    if (leaf.length > longestEntry) return undefined
    const length = Buffer.alloc(2)
    length.writeUInt16BE(leaf.length)
    bundle.push(length, leaf)
  }
  return bundle.length === 2 * width ? Buffer.concat(bundle) : undefined
}

function sendTile(reply: FastifyReply, bytes: Uint8Array | undefined): FastifyReply {
  return bytes === undefined ? notThere(reply) : reply.code(200).headers(tileHeaders).send(bytes)
}

/** Never to be cached for long: a partial tile may appear in a moment. */
function notThere(reply: FastifyReply): FastifyReply {
  return reply
    .code(404)
    .headers({ 'Access-Control-Allow-Origin': '*', 'Cache-Control': 'no-cache' })
    .type('text/plain; charset=utf-8')
    .send('not found\n')
}

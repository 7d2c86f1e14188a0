/** The stylesheet and the modules: read once, served as they are, known by their digest. */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { sha256Hex } from '@sigstack/crypto'
import { takesGzip } from '@sigstack/server'
import type { FastifyPluginCallback } from 'fastify'

const folder = path.join(import.meta.dirname, '../assets')

const types: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
}

export const assetRoutes: FastifyPluginCallback = (app, _options, done) => {
  for (const name of readdirSync(folder)) {
    const type = types[path.extname(name)]
    if (type === undefined) continue
    const plain = readFileSync(path.join(folder, name))
    const small = gzipSync(plain)
    const tag = `"${sha256Hex(plain).slice(0, 32)}"`
    app.get(`/assets/${name}`, async (request, reply) => {
      reply.header('content-type', type).header('etag', tag).header('vary', 'accept-encoding')
      reply.header('cache-control', 'no-cache')
      if (request.headers['if-none-match'] === tag) return reply.code(304).send()
      return takesGzip(request.headers['accept-encoding'])
        ? reply.header('content-encoding', 'gzip').send(small)
        : reply.send(plain)
    })
  }
  done()
}

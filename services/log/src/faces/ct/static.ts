/** What static-ct-api has beside the tiles of hashes: entries with their certificates, and issuers by fingerprint. */
import { encodeTileLeaf } from '@sigstack/ct'
import type { IssuerStore } from '../../issuers/store.ts'
import type { EncodeEntry } from '../tiles/index.ts'
import { immutable } from './reply.ts'
import type { ReadHandler } from './route.ts'

/** Of entries from before issuers were kept, they are kept when a tile first names them. */
export function tileLeaves(issuers: IssuerStore): EncodeEntry {
  return async ({ leaf, extra }) => {
    const encoded = encodeTileLeaf(leaf, extra ?? new Uint8Array())
    await issuers.keep(encoded.issuers)
    return [encoded.bytes]
  }
}

export const getIssuer: ReadHandler = ({ issuers }) => ({
  handler: async (request, reply) => {
    const { fingerprint = '' } = request.params as { readonly fingerprint?: string }
    const der = /^[0-9a-f]{64}$/.test(fingerprint) ? await issuers.read(fingerprint) : undefined
    reply.header('Access-Control-Allow-Origin', '*')
    if (der === undefined)
      return reply
        .code(404)
        .header('Cache-Control', 'no-cache')
        .type('text/plain; charset=utf-8')
        .send('not found\n')
    return reply.header('Cache-Control', immutable).type('application/pkix-cert').send(Buffer.from(der))
  },
})

/** Entries of Rekor v2 and certificates by their index, and entries of Rekor v1 by that of their tree. */
import { toBase64, toHex } from '@sigstack/crypto'
import type { FastifyInstance } from 'fastify'
import type { Context } from '../context.ts'
import { certificateData, proofData, signersData } from '../entry/data.ts'
import { sendDownload } from '../html/send.ts'
import { hidden, type Reader } from '../reader.ts'
import { createTreeLog, readCtEntry } from '../sources/tree-log.ts'
import { leafPart, leafTitle } from './page.ts'
import { type LeafView, readLeaf } from './read-leaf.ts'
import { leafPath, type TreeName, treeUrl } from './tree-name.ts'

type Indexed = { readonly Params: { readonly index: string } }

export function addTreeRoutes(app: FastifyInstance, context: Context): void {
  for (const tree of ['rekor-v2', 'ct'] as const) {
    const url = treeUrl(context.urls, tree)
    if (url !== undefined) addLeaves(app, context, tree, url)
  }

  app.get<{ readonly Params: { readonly shard: string; readonly index: string } }>(
    '/entry/:shard(^\\d{1,20}$)/:index(^\\d{1,18}$)',
    async (request, reply) => {
      const { shard, index } = request.params
      const info = await context.rekor?.info()
      let first = 0n
      for (const { treeId, treeSize } of info === undefined ? [] : [...info.inactive, info.active]) {
        if (treeId === shard) return reply.redirect(`/entry/${first + BigInt(index)}`, 303)
        first += treeSize
      }
      return context.sendNothing(request, reply, 'The log has no tree of this number.')
    },
  )
}

function addLeaves(app: FastifyInstance, context: Context, tree: TreeName, url: string): void {
  const log = createTreeLog(url)
  const none = 'The log has no entry of this index.'

  async function view(index: bigint): Promise<LeafView | undefined> {
    const [found, { value: trust }, beside] = await Promise.all([
      log.leaf(index),
      context.trust.current(),
      tree === 'ct' ? readCtEntry(url, index) : undefined,
    ])
    return found && readLeaf(tree, found, { trust, extra: beside?.extra })
  }

  app.get<Indexed>(`/entry/${tree}/:index(^\\d{1,18}(?:\\.json)?$)`, async (request, reply) => {
    const reader = context.readerOf(request)
    const [index = '', suffix] = request.params.index.split('.')
    const found = await view(BigInt(index))
    if (found === undefined) return context.sendNothing(request, reply, none)
    const shown = reader.hidesAddresses ? hidden(found) : found
    if (suffix !== undefined || context.wantsJson(request)) return reply.send(dataOf(shown, reader))
    return context.sendPage(request, reply, {
      title: leafTitle(shown),
      room: 'search',
      body: leafPart(shown, reader.hidesAddresses),
      scripts: ['proof.js'],
      others: [{ name: 'JSON', href: `${leafPath(tree, BigInt(index))}.json`, type: 'application/json' }],
    })
  })

  app.get<Indexed>(`/entry/${tree}/:index(^\\d{1,18}$)/leaf`, async (request, reply) => {
    const { index } = request.params
    const found = context.readerOf(request).hidesAddresses ? undefined : await log.leaf(BigInt(index))
    if (found === undefined)
      return context.sendNothing(request, reply, 'There is no such leaf, or it is not for readers.')
    return sendDownload(reply, `${tree}-${index}.leaf`, found.leaf)
  })
}

function dataOf({ tree, found, body, logged, certificate, checks, leaf }: LeafView, reader: Reader) {
  return {
    log: { kind: tree, origin: found.origin },
    ...(body !== undefined && {
      kind: body.kind,
      apiVersion: body.apiVersion,
      signers: signersData(body),
      facts: body.facts,
    }),
    ...(logged !== undefined && {
      kind: logged.issuerKeyHash === undefined ? 'certificate' : 'precertificate',
      timestamp: new Date(logged.timestampMs).toISOString(),
      subjects: logged.subjects,
      issuer: logged.tokenIssuer,
    }),
    certificate: certificate && certificateData(certificate),
    checks,
    leafHash: toHex(leaf),
    proof: proofData(found.proof),
    ...(!reader.hidesAddresses && { leaf: toBase64(found.leaf) }),
  }
}

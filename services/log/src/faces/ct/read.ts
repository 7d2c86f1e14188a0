/** What monitors and auditors read (RFC 6962 sections 4.3 to 4.6 and 4.8; bounds of tsa-and-ct.md section B2). */
import { encodePublicKeyPem, toBase64 } from '@sigstack/crypto'
import type { LogEntry, LogReader } from '@sigstack/log-engine'
import { badRequest, CtRefusal } from './errors.ts'
import { hashParameter, integerParameter } from './query.ts'
import { immutable, sendJsonText, shortLived, uncached } from './reply.ts'
import type { ReadHandler } from './route.ts'
import { createTreeHeadSigner } from './tree-head.ts'

const mostEntries = 1000
/** An answer of get-entries ends with the entry that exceeds this; a chain may be long. */
const answerBytes = 4_194_304
const entriesAtOnce = 100

/** Not in RFC 6962, which leaves it to the operator how a log's key becomes known. */
export const publicKey: ReadHandler = ({ signer }) => {
  const publicKeyPem = encodePublicKeyPem(signer.publicKey)
  return { handler: async (_request, reply) => reply.type('application/x-pem-file').send(publicKeyPem) }
}

/** As little there: the keys of all logs that follow each other, and of the one that will come. */
export const getLine: ReadHandler = ({ toldLine }) => ({
  handler: async (_request, reply) => sendJsonText(reply, uncached, (await toldLine()).trimEnd()),
})

export const getSth: ReadHandler = ({ log, signer, timestampOf, nowMs }) => {
  const signedTreeHead = createTreeHeadSigner(log, signer, timestampOf, nowMs)
  return { handler: async (_request, reply) => sendJsonText(reply, uncached, await signedTreeHead()) }
}

export const getSthConsistency: ReadHandler = ({ log }) => ({
  handler: async (request, reply) => {
    const first = integerParameter(request, 'first', 0n)
    const second = integerParameter(request, 'second', 0n)
    if (second < first) throw badRequest('second must not be less than first')
    await assertSize(log, second, 'second', 400)
    const { hashes } = first === 0n ? { hashes: [] } : await log.proveConsistency(first, second)
    return sendJsonText(reply, immutable, JSON.stringify({ consistency: hashes.map(toBase64) }))
  },
})

export const getProofByHash: ReadHandler = ({ log }) => ({
  handler: async (request, reply) => {
    const hash = hashParameter(request, 'hash')
    const treeSize = integerParameter(request, 'tree_size', 1n)
    await assertSize(log, treeSize, 'tree_size', 404)
    const entry = await log.findByLeafHash(hash)
    if (entry === undefined || entry.leafIndex >= treeSize) {
      throw new CtRefusal(404, 'no entry of this hash is in a tree of that size')
    }
    const { siblings } = await log.proveInclusion(entry.leafIndex, treeSize)
    const json = `{"leaf_index":${entry.leafIndex},"audit_path":${JSON.stringify(siblings.map(toBase64))}}`
    return sendJsonText(reply, immutable, json)
  },
})

export const getEntries: ReadHandler = ({ log }) => ({
  handler: async (request, reply) => {
    const start = integerParameter(request, 'start', 0n)
    const end = integerParameter(request, 'end', 0n)
    if (start > end) throw badRequest('start must not be greater than end')
    const { size } = await log.treeHead()
    if (start >= size) throw badRequest(`start is beyond the ${size} entries of the log`)
    const entries = await readRange(log, start, end)
    const isWhole = BigInt(entries.length) === end - start + 1n
    return sendJsonText(
      reply,
      isWhole ? immutable : shortLived,
      `{"entries":[${entries.map(entryJson).join(',')}]}`,
    )
  },
})

export const getEntryAndProof: ReadHandler = ({ log }) => ({
  handler: async (request, reply) => {
    const leafIndex = integerParameter(request, 'leaf_index', 0n)
    const treeSize = integerParameter(request, 'tree_size', 1n)
    if (leafIndex >= treeSize) throw badRequest('leaf_index must be less than tree_size')
    await assertSize(log, treeSize, 'tree_size', 400)
    const entry = await log.readEntry(leafIndex)
    if (entry === undefined) throw new CtRefusal(404, `there is no entry ${leafIndex}`)
    const { siblings } = await log.proveInclusion(leafIndex, treeSize)
    const json = `${entryJson(entry).slice(0, -1)},"audit_path":${JSON.stringify(siblings.map(toBase64))}}`
    return sendJsonText(reply, immutable, json)
  },
})

async function assertSize(log: LogReader, size: bigint, name: string, status: 400 | 404): Promise<void> {
  const treeHead = await log.treeHead()
  if (size > treeHead.size)
    throw new CtRefusal(status, `${name} is beyond the ${treeHead.size} entries of the log`)
}

/** From `start` to `end` inclusive, cut short by the limits of an answer. */
async function readRange(log: LogReader, start: bigint, end: bigint): Promise<readonly LogEntry[]> {
  const wanted = end - start + 1n
  const count = wanted < BigInt(mostEntries) ? Number(wanted) : mostEntries
  const entries: LogEntry[] = []
  let bytes = 0
  while (entries.length < count && bytes < answerBytes) {
    const next = start + BigInt(entries.length)
    const some = await log.readEntries(next, Math.min(entriesAtOnce, count - entries.length))
    if (some.length === 0) break
    for (const entry of some) {
      if (bytes >= answerBytes) break
      entries.push(entry)
      bytes += entry.leaf.length + (entry.extra?.length ?? 0)
    }
  }
  return entries
}

function entryJson({ leaf, extra }: LogEntry): string {
  return `{"leaf_input":"${toBase64(leaf)}","extra_data":"${extra === undefined ? '' : toBase64(extra)}"}`
}

/** A shard of a Rekor v1 log that serves no tiles, read by its API: some ten entries a question, so it is slow. */
import { isObject, parseHex } from '@sigstack/crypto'
import { asHash, type Hash } from '@sigstack/merkle'
import { badAnswer, demandJson, demandList } from './ask.ts'
import { FollowError } from './errors.ts'
import { base64Of, countMember, listMember } from './json-members.ts'
import { readShards, type ShownShard } from './rekor-shards.ts'
import type { StoredLeaf, TreeSource } from './source.ts'
import { type LogKeys, verifyNote } from './verify-note.ts'

/** Rekor takes no more indexes at once. */
const mostEntries = 10n
const largestEntries = 33_554_432

export type RekorApiOptions = {
  readonly url: string
  readonly treeId: string
  readonly keys: () => Promise<LogKeys>
}

export function rekorApiSource({ url, treeId, keys }: RekorApiOptions): TreeSource {
  async function readShard(
    signal: AbortSignal,
  ): Promise<ShownShard & { readonly dateMs: number | undefined }> {
    const { shards, dateMs } = await readShards(url, signal)
    const shard = shards.find((each) => each.treeId === treeId)
    if (shard === undefined)
      throw new FollowError('unreachable', `${url} tells of no shard ${treeId} any more`)
    return { ...shard, dateMs }
  }

  async function readEntries(
    first: bigint,
    count: bigint,
    signal: AbortSignal,
  ): Promise<readonly StoredLeaf[]> {
    const indexes = Array.from({ length: Number(count) }, (_, at) => Number(first) + at)
    const question = `${url}/api/v1/log/entries/retrieve`
    const { list } = await demandList(question, {
      signal,
      maxBytes: largestEntries,
      question: { logIndexes: indexes },
    })
    const leaves = new Map<bigint, StoredLeaf>()
    for (const entry of list.flatMap((each) => (isObject(each) ? Object.values(each) : [])))
      leaves.set(countMember(entry, 'logIndex', url), {
        leaf: base64Of(isObject(entry) ? entry['body'] : undefined, 'a body', url),
      })
    return indexes.map((index) => {
      const leaf = leaves.get(BigInt(index))
      if (leaf === undefined) throw badAnswer(question, `entry ${index} is missing`)
      return leaf
    })
  }

  return {
    readHead: async (signal) => {
      const { note, dateMs } = await readShard(signal)
      const { origin, treeHead } = await verifyNote(note, 'rekor-v1', await keys(), url)
      return { origin, treeHead, note, dateMs }
    },
    async *readLeaves({ start, end }, signal) {
      const { firstIndex } = await readShard(signal)
      for (let next = start; next < end; next += mostEntries) {
        const count = end - next < mostEntries ? end - next : mostEntries
        yield await readEntries(firstIndex + next, count, signal)
      }
    },
    proveConsistency: async (oldSize, newSize, signal) => {
      if (oldSize === newSize) return { oldSize, newSize, hashes: [] }
      const question = `${url}/api/v1/log/proof?firstSize=${oldSize}&lastSize=${newSize}&treeID=${treeId}`
      const { json } = await demandJson(question, { signal })
      const hashes = listMember(json, 'hashes', url).map((text) => hashOf(text, url))
      return { oldSize, newSize, hashes }
    },
  }
}

function hashOf(text: unknown, url: string): Hash {
  if (typeof text === 'string' && /^[0-9a-f]{64}$/.test(text)) return asHash(parseHex(text))
  throw badAnswer(url, 'a hash is not 64 hexadecimal digits')
}

/** The trees of a log: one, or of Rekor v1 one for each shard. */
import type { PublicKey } from '@sigstack/crypto'
import type { Pool } from '@sigstack/postgres'
import { badAnswer, demandText } from './ask.ts'
import { ctSource } from './ct-source.ts'
import { FollowError } from './errors.ts'
import type { FollowedTree } from './follow-tree.ts'
import type { LogDescription } from './logs-file.ts'
import { rekorApiSource } from './rekor-api-source.ts'
import { mostShards, readShards } from './rekor-shards.ts'
import type { TreeSource } from './source.ts'
import { mostPending } from './thin-pending.ts'
import { tileSource } from './tile-source.ts'
import { ensureTree, knownShards } from './tree-store.ts'
import { type LogKeys, verifyNote } from './verify-note.ts'

export type TreesOfLog = {
  readonly trees: readonly FollowedTree[]
  /** Why the log does not tell its shards; those that are known are followed all the same. */
  readonly failure: FollowError | undefined
  /** Shards that had entries, and that the log tells of no more. */
  readonly gone: readonly { readonly shard: string; readonly size: bigint }[]
}

export async function treesOfLog(
  log: LogDescription,
  pool: Pool,
  keys: (signal: AbortSignal) => Promise<LogKeys>,
  signal: AbortSignal,
): Promise<TreesOfLog> {
  const { shards, failure, gone } =
    log.kind === 'rekor-v1'
      ? await shardsOf(log, pool, signal)
      : { shards: [''], failure: undefined, gone: [] }
  const trees = shards.map(async (shard): Promise<FollowedTree> => {
    const source = sourceOf(log, shard, () => keys(signal))
    const treeId = await ensureTree(pool, { logName: log.name, shard, kind: log.kind, url: log.url })
    const own = { shownAt: log.url, readHead: source.readHead }
    const others = log.views.map((url) => ({ shownAt: url, readHead: headAt(url, log, keys) }))
    const name = shard === '' ? log.name : `shard ${shard} of ${log.name}`
    return { treeId, name, source, views: [own, ...others], mostPending: mostPending(shards.length) }
  })
  return { trees: await Promise.all(trees), failure, gone }
}

async function shardsOf(
  log: LogDescription,
  pool: Pool,
  signal: AbortSignal,
): Promise<Pick<TreesOfLog, 'failure' | 'gone'> & { readonly shards: readonly string[] }> {
  const known = await knownShards(pool, log.name)
  try {
    const shown = new Set((await readShards(log.url, signal)).shards.map(({ treeId }) => treeId))
    const gone = [...known]
      .filter(([shard, size]) => size > 0n && !shown.has(shard))
      .map(([shard, size]) => ({ shard, size }))
    const shards = [...new Set([...known.keys(), ...shown])]
    if (shards.length > mostShards)
      throw badAnswer(log.url, `it has told of more than ${mostShards} shards by now`)
    return { shards, failure: undefined, gone }
  } catch (error) {
    if (!(error instanceof FollowError)) throw error
    return { shards: [...known.keys()], failure: error, gone: [] }
  }
}

function sourceOf(log: LogDescription, shard: string, keys: () => Promise<LogKeys>): TreeSource {
  const { kind, url, read } = log
  if (kind === 'rekor-v1')
    return read === 'api'
      ? rekorApiSource({ url, treeId: shard, keys })
      : tileSource({ url: `${url}/shards/${shard}`, kind, keys })
  return read === 'api'
    ? ctSource({ url, keys: async () => plainKeys(await keys()) })
    : tileSource({ url, kind, keys })
}

/** A tree head of RFC 6962 is signed by the bare key. */
function plainKeys({ publicKeys, noteKeys }: LogKeys): readonly PublicKey[] {
  return [...publicKeys, ...noteKeys.flatMap(({ publicKey }) => publicKey ?? [])]
}

function headAt(
  url: string,
  { kind }: LogDescription,
  keys: (signal: AbortSignal) => Promise<LogKeys>,
): TreeSource['readHead'] {
  return async (signal) => {
    const { text: note, dateMs } = await demandText(`${url}/checkpoint`, { signal })
    const { origin, treeHead } = await verifyNote(note, kind, await keys(signal), url)
    return { origin, treeHead, note, dateMs }
  }
}

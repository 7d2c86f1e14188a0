/** The trees of a log: one, or of Rekor v1 one for each shard. */
import type { PublicKey } from '@sigstack/crypto'
import type { Pool } from '@sigstack/postgres'
import { demandText } from './ask.ts'
import { ctSource } from './ct-source.ts'
import type { FollowedTree } from './follow-tree.ts'
import type { LogDescription } from './logs-file.ts'
import { rekorApiSource } from './rekor-api-source.ts'
import { readShards } from './rekor-shards.ts'
import type { TreeSource } from './source.ts'
import { tileSource } from './tile-source.ts'
import { ensureTree, knownShards } from './tree-store.ts'
import { type LogKeys, verifyNote } from './verify-note.ts'

/** Throws a `FollowError` where the log does not tell its shards; those that are known are followed all the same. */
export async function treesOfLog(
  log: LogDescription,
  pool: Pool,
  keys: (signal: AbortSignal) => Promise<LogKeys>,
  onFailure: (error: unknown) => void,
  signal: AbortSignal,
): Promise<readonly FollowedTree[]> {
  const shards = log.kind === 'rekor-v1' ? await shardsOf(log, pool, onFailure, signal) : ['']
  return Promise.all(
    shards.map(async (shard): Promise<FollowedTree> => {
      const source = sourceOf(log, shard, () => keys(signal))
      const treeId = await ensureTree(pool, { logName: log.name, shard, kind: log.kind, url: log.url })
      const own = { shownAt: log.url, readHead: source.readHead }
      const others = log.views.map((url) => ({ shownAt: url, readHead: headAt(url, log, keys) }))
      const name = shard === '' ? log.name : `shard ${shard} of ${log.name}`
      return { treeId, name, source, views: [own, ...others] }
    }),
  )
}

async function shardsOf(
  log: LogDescription,
  pool: Pool,
  onFailure: (error: unknown) => void,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const known = await knownShards(pool, log.name)
  try {
    const { shards } = await readShards(log.url, signal)
    return [...new Set([...known, ...shards.map(({ treeId }) => treeId)])]
  } catch (error) {
    onFailure(error)
    return known
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

/**
 * Writing a backup. Entries below a signed head never change, so a backup of exactly that head is consistent without a snapshot and
 * without a lock, however the log goes on meanwhile.
 */
import { emptyTree, growTree, type Hash, leafHash, type Tree } from '@sigstack/merkle'
import type { Pool } from '@sigstack/postgres'
import { readPage } from '../../read-page.ts'
import { findLog } from '../../store.ts'
import { BackupError } from './errors.ts'
import { checksumOf, encodeHeader, encodePage, firstChecksum, formatLine, frameKind } from './format.ts'
import { type BackupShard, encodeManifest, type Manifest } from './manifest.ts'

const entriesPerPage = 2048n

export type WriteBackupOptions = {
  readonly pool: Pool
  readonly manifest: Manifest
  /** `done` and `total` count entries over all shards. */
  readonly onProgress?: (done: bigint, total: bigint) => void
}

/**
 * The bytes of a backup, in order. Entries are hashed on the way: throws `damaged` before the end is written when they do not make
 * the heads of the manifest, so that a damaged log never replaces a good backup.
 */
export async function* writeBackup(options: WriteBackupOptions): AsyncGenerator<Uint8Array, Buffer> {
  const { pool, manifest, onProgress = () => {} } = options
  const total = manifest.shards.reduce((sum, { size }) => sum + size, 0n)
  let checksum: Buffer = firstChecksum
  const frame = (kind: number, payload: Uint8Array): readonly Uint8Array[] => {
    checksum = checksumOf(checksum, kind, payload)
    return [encodeHeader(kind, payload), payload, checksum]
  }
  yield formatLine
  yield* frame(frameKind.manifest, encodeManifest(manifest))
  let before = 0n
  for (const shard of manifest.shards) {
    let tree: Tree = emptyTree
    for await (const { payload, hashes } of pagesOf(pool, shard)) {
      tree = growTree(tree, hashes).tree
      yield* frame(frameKind.entries, payload)
      onProgress(before + tree.size, total)
    }
    before += tree.size
    if (Buffer.compare(tree.rootHash, shard.rootHash) !== 0) {
      throw damaged(`the entries of ${shard.origin} do not make the tree of its checkpoint`)
    }
  }
  yield* frame(frameKind.end, new Uint8Array())
  return checksum
}

async function* pagesOf(
  pool: Pool,
  { name, shard, origin, size }: BackupShard,
): AsyncGenerator<{ readonly payload: Buffer; readonly hashes: readonly Hash[] }> {
  const { logNo } = (await findLog(pool, name)) ?? {}
  if (logNo === undefined) throw damaged(`the shard ${origin} is gone from the database`)
  for (let at = 0n; at < size; ) {
    const end = at + entriesPerPage < size ? at + entriesPerPage : size
    const page = await readPage(pool, logNo, at, end)
    const first = at
    const hashes = page.map((entry, position) => {
      const isThere = entry.leafIndex === first + BigInt(position)
      if (!isThere || Buffer.compare(leafHash(entry.leaf), entry.leafHash) !== 0) {
        throw damaged(`entry ${first + BigInt(position)} of ${origin} is missing or is not what was logged`)
      }
      return entry.leafHash
    })
    if (hashes.length === 0) throw damaged(`entry ${at} of ${origin} is missing`)
    const entries = page.map(({ hasOwnIdentity, identity, ...entry }) => ({
      ...entry,
      identity: hasOwnIdentity ? identity : undefined,
    }))
    at += BigInt(hashes.length)
    yield { payload: encodePage({ shard, entries }), hashes }
  }
}

function damaged(what: string): BackupError {
  return new BackupError('damaged', `${what}; run \`sigstack log audit\` on this database`)
}

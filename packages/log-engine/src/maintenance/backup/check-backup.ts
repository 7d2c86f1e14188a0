/** The entries of a backup, hashed again: only what makes the signed heads of its manifest counts. Needs no database. */
import { counted } from '@sigstack/crypto'
import { type ChangedTile, emptyTree, leafHash, type Tree, type TreeHead } from '@sigstack/merkle'
import { growTo } from '../../grow-to.ts'
import type { StoredEntry } from '../../store.ts'
import { BackupError } from './errors.ts'
import type { BackupPage } from './format.ts'
import { type BackupShard, type Manifest, notABackup } from './manifest.ts'
import type { OpenBackup } from './read-backup.ts'

/** A head of one of the backup's shards that somebody has, no larger than the backup's. */
export type KnownHead = TreeHead & { readonly origin: string; readonly where: string }

export type CheckBackupOptions = {
  readonly backup: OpenBackup
  /** Each must be a beginning of the backup's tree. */
  readonly knownHeads?: readonly KnownHead[]
  /** Takes the entries in order, with the tiles that they changed; awaited. */
  readonly onPage?: (
    shard: BackupShard,
    entries: readonly StoredEntry[],
    tiles: readonly ChangedTile[],
  ) => Promise<void>
  /** `done` and `total` count entries over all shards. */
  readonly onProgress?: (done: bigint, total: bigint) => void
}

/**
 * Reads the whole backup. Throws as its reader does, `damaged` when the entries make another tree than the manifest says, and
 * `other_history` when they contradict a known head.
 */
export async function checkBackup(options: CheckBackupOptions): Promise<void> {
  const { backup, knownHeads = [], onPage = async () => {}, onProgress = () => {} } = options
  const { shards } = backup.manifest
  const total = lengthOfBackup(backup.manifest)
  let before = 0n
  let at = 0
  let tree: Tree = emptyTree

  for await (const page of backup.pages) {
    // A shard may have no entries, and then has no page either.
    while (at < page.shard) finishShard()
    const shard = shards[at]
    if (shard === undefined)
      throw notABackup(`a page of a shard ${page.shard} that the manifest does not list`)
    const entries = entriesOf(page, tree.size)
    const changed = new Map<string, ChangedTile>()
    const hashes = entries.map((entry) => entry.leafHash)
    const heads = knownHeads.filter(({ origin }) => origin === shard.origin)
    const stops = heads.map(({ size }) => size).toSorted((a, b) => Number(a - b))
    for (const grown of growTo(tree, hashes, stops)) {
      tree = grown.tree
      for (const tile of grown.changedTiles) changed.set(`${tile.level}/${tile.index}`, tile)
      for (const head of heads) if (head.size === tree.size) assertSame(head, tree)
    }
    await onPage(shard, entries, [...changed.values()])
    onProgress(before + tree.size, total)
  }
  while (at < shards.length) finishShard()

  function finishShard(): void {
    const { origin, size, rootHash } = shards[at] as BackupShard
    if (tree.size !== size || Buffer.compare(tree.rootHash, rootHash) !== 0) {
      throw new BackupError(
        'damaged',
        `the ${tree.size} entries of ${origin} in the backup do not make the tree of ${size} that its checkpoint signs; take another copy of it`,
      )
    }
    before += size
    tree = emptyTree
    at++
  }
}

export function lengthOfBackup({ shards }: Manifest): bigint {
  return shards.reduce((sum, { size }) => sum + size, 0n)
}

function entriesOf(page: BackupPage, first: bigint): readonly StoredEntry[] {
  return page.entries.map((entry, position) => {
    if (entry.leafIndex !== first + BigInt(position)) {
      throw notABackup(`entry ${entry.leafIndex} stands where entry ${first + BigInt(position)} belongs`)
    }
    const hash = leafHash(entry.leaf)
    return { ...entry, leafHash: hash, identity: entry.identity ?? hash }
  })
}

function assertSame(known: KnownHead, { size, rootHash }: TreeHead): void {
  if (Buffer.compare(known.rootHash, rootHash) === 0) return
  throw new BackupError(
    'other_history',
    `the backup and ${known.where} have two different trees of ${counted(size, 'entry', 'entries')} of ${known.origin}: one of them was forked or damaged`,
  )
}

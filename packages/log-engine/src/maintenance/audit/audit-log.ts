/**
 * An audit: the whole tree computed again from the bytes of the entries, and everything that is stored compared with it. It trusts
 * nothing that it can compute, reads while the log goes on (up to the head that it saw first), and takes no lock.
 */
import { counted } from '@sigstack/crypto'
import { emptyTree, type Hash, hashBytes, leafHash, type Tree, tileHashes, tileWidth } from '@sigstack/merkle'
import type { Pool } from '@sigstack/postgres'
import { LogError } from '../../errors.ts'
import { growTo } from '../../grow-to.ts'
import type { LogEntry } from '../../log.ts'
import { type RawEntry, readPage } from '../../read-page.ts'
import { findByIdentities, findLog, hexOf, keyOf, type LogNo, readHead } from '../../store.ts'
import type { Findings } from './findings.ts'
import { countSurplus, readLeafTiles, readStoredTile } from './read-tiles.ts'

export type AuditOptions = {
  readonly pool: Pool
  /** Name of the log. */
  readonly name: string
  readonly findings: Findings
  /** What its first entry is called where logs are numbered as one; then findings say both numbers. */
  readonly firstIndex?: bigint
  /** Tree sizes whose roots somebody was given; the audit tells what they are. */
  readonly rootsAt?: readonly bigint[]
  /** Called with every page of entries, in order, for what only the dialect can check; awaited. */
  readonly onEntries?: (entries: readonly LogEntry[]) => Promise<void>
  /** `done` and `total` count entries. */
  readonly onProgress?: (done: bigint, total: bigint) => void
}

export type Audited = {
  readonly origin: string
  /** The tree head that was stored when the audit began. */
  readonly size: bigint
  readonly rootHash: Hash
  /** By tree size, for those of `rootsAt` that the log has reached. */
  readonly roots: ReadonlyMap<bigint, Hash>
  readonly entries: bigint
  readonly tiles: bigint
}

const entriesPerPage = 8n * BigInt(tileWidth)
/** Every so many entries one is looked up through the index that duplicates are found by. */
const lookUpEvery = 64

/** Throws `not_found` when there is no such log. What is wrong with it goes to `findings`. */
export async function auditLog(options: AuditOptions): Promise<Audited> {
  const { pool, name, findings, firstIndex, onProgress = () => {} } = options
  const row = await findLog(pool, name)
  if (row === undefined) throw new LogError('not_found', `there is no log ${name} in this database`)
  const { logNo, origin } = row
  const { size, rootHash } = await readHead(pool, logNo)
  const wanted = new Set((options.rootsAt ?? []).filter((at) => at > 0n && at <= size))
  const stops = [...wanted].toSorted((a, b) => (a < b ? -1 : 1))
  const roots = new Map<bigint, Hash>([[0n, emptyTree.rootHash]])
  let tree: Tree = emptyTree
  let tiles = 0n
  let lastTimeMs = 0
  let isComplete = true

  const fetch = (start: bigint) => readPage(pool, logNo, start, min(start + entriesPerPage, size))
  let coming = fetch(0n)
  while (tree.size < size && isComplete) {
    const start = tree.size
    const page = await coming
    const last = page.at(-1)
    // Everything up to the end of the range is missing when the table has nothing there.
    const end = last === undefined ? min(start + entriesPerPage, size) : last.leafIndex + 1n
    // The next page is read while this one is hashed.
    coming = fetch(end)
    coming.catch(() => undefined)
    const leafTiles = await readLeafTiles(pool, logNo, start, end)
    const hashes = checkEntries(page, start, end, leafTiles)
    if (hashes === undefined) {
      isComplete = false
      break
    }
    await growThrough(hashes, leafTiles)
    await checkLookUp(page)
    await options.onEntries?.(page)
    onProgress(tree.size, size)
  }
  await coming.catch(() => undefined)
  if (isComplete) await checkEnd()
  return { origin, size, rootHash, roots, entries: tree.size, tiles }

  function entryAt(leafIndex: bigint): string {
    return `entry ${leafIndex}${firstIndex === undefined ? '' : ` (log index ${firstIndex + leafIndex})`}`
  }

  /** The leaf hashes to go on with, or `undefined` when one is lost altogether. */
  function checkEntries(
    page: readonly RawEntry[],
    start: bigint,
    end: bigint,
    leafTiles: ReadonlyMap<bigint, Buffer>,
  ): readonly Hash[] | undefined {
    const hashes: Hash[] = []
    let at = 0
    for (let leafIndex = start; leafIndex < end; leafIndex++) {
      const inTile = hashInTile(leafTiles, leafIndex)
      const entry = page[at]
      if (entry?.leafIndex !== leafIndex) {
        if (inTile === undefined) {
          findings.add(
            'entry',
            `${entryAt(leafIndex)} is missing, and its hash with it: the rest was not checked`,
          )
          return undefined
        }
        findings.add('entry', `${entryAt(leafIndex)} is missing; its hash is still in its tile`)
        hashes.push(inTile)
        continue
      }
      at++
      hashes.push(checkEntry(entry, inTile))
    }
    return hashes
  }

  function checkEntry(entry: RawEntry, inTile: Hash | undefined): Hash {
    const { leafIndex, identity, identityKey, leafKey, sequencedAtMs } = entry
    const computed = leafHash(entry.leaf)
    const isAsHashed = isSame(computed, entry.leafHash)
    // Two of three decide with what to go on, so that one damage is told once.
    const isHashWrong = !isAsHashed && inTile !== undefined && isSame(computed, inTile)
    if (!isAsHashed) {
      findings.add(
        'entry',
        isHashWrong
          ? `the stored hash of ${entryAt(leafIndex)} is wrong; its bytes are those that were logged`
          : `the bytes of ${entryAt(leafIndex)} are not those that were logged`,
      )
    }
    if (identityKey !== keyOf(identity)) {
      findings.add('index', `${entryAt(leafIndex)} is not found by its identity: its key is wrong`)
    }
    if (leafKey !== undefined && leafKey !== keyOf(entry.leafHash)) {
      findings.add('index', `${entryAt(leafIndex)} is not found by its leaf hash: its key is wrong`)
    }
    if (sequencedAtMs < lastTimeMs) {
      findings.add('entry', `${entryAt(leafIndex)} is older than the one before it`)
    }
    lastTimeMs = Math.max(lastTimeMs, sequencedAtMs)
    return isHashWrong ? computed : entry.leafHash
  }

  /** Grows the tree, stopping at the sizes whose roots are asked for, and compares every tile that is finished on the way. */
  async function growThrough(hashes: readonly Hash[], leafTiles: ReadonlyMap<bigint, Buffer>): Promise<void> {
    for (const grown of growTo(tree, hashes, stops)) {
      tree = grown.tree
      if (wanted.has(tree.size)) roots.set(tree.size, tree.rootHash)
      for (const { level, index, width, tile } of grown.changedTiles) {
        if (width < tileWidth) continue
        const stored = level === 0 ? leafTiles.get(index) : await readStoredTile(pool, logNo, level, index)
        compareTile(level, index, tileHashes(tile, tileWidth), stored)
      }
    }
  }

  function compareTile(level: number, index: bigint, computed: Uint8Array, stored: Buffer | undefined): void {
    tiles++
    if (stored === undefined) {
      findings.add('tile', `tile ${level}/${index} is missing`)
    } else if (Buffer.compare(stored.subarray(0, computed.length), computed) !== 0) {
      findings.add('tile', `tile ${level}/${index} is not that of the entries below it`)
    }
  }

  /** Whether the index over identities finds what the table holds. */
  async function checkLookUp(page: readonly RawEntry[]): Promise<void> {
    const sample = page.filter((_, at) => at % lookUpEvery === 0)
    const found = await findByIdentities(
      pool,
      logNo,
      sample.map(({ identity }) => identity),
    )
    const known = new Set(found.map((entry) => hexOf(entry.identity)))
    for (const { identity, identityKey, leafIndex } of sample) {
      // A wrong key is told already.
      if (identityKey === keyOf(identity) && !known.has(hexOf(identity))) {
        findings.add('index', `${entryAt(leafIndex)} is not found through the index over identities`)
      }
    }
  }

  async function checkEnd(): Promise<void> {
    for (const [level, { width, tile }] of tree.edge.entries()) {
      // The unfinished tile of level 0 is not stored: its hashes are those of its entries.
      if (level === 0 || width === 0) continue
      const index = size >> BigInt(8 * (level + 1))
      compareTile(level, index, tileHashes(tile, width), await readStoredTile(pool, logNo, level, index))
    }
    if (!isSame(tree.rootHash, rootHash)) {
      findings.add('head', `the root of the tree head at size ${size} is not that of the entries`)
    }
    await tellSurplus(logNo)
  }

  async function tellSurplus(logNo: LogNo): Promise<void> {
    const surplus = await countSurplus(pool, logNo)
    if (surplus.entries > 0n) {
      findings.add(
        'surplus',
        `beyond the tree head, and in no tree: ${counted(surplus.entries, 'entry', 'entries')}`,
      )
    }
    if (surplus.tiles > 0n)
      findings.add('surplus', `beyond the tree head: ${counted(surplus.tiles, 'tile', 'tiles')}`)
  }
}

function hashInTile(leafTiles: ReadonlyMap<bigint, Buffer>, leafIndex: bigint): Hash | undefined {
  const tile = leafTiles.get(leafIndex / BigInt(tileWidth))
  const at = Number(leafIndex % BigInt(tileWidth)) * hashBytes
  const hash = tile?.subarray(at, at + hashBytes)
  return hash?.length === hashBytes ? (hash as Uint8Array as Hash) : undefined
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}

function isSame(a: Hash, b: Hash): boolean {
  return Buffer.compare(a, b) === 0
}

/** Keeping a copy of a log (C2SP tlog-mirror): what was uploaded is proven, then kept, and only of what is all here a tree is signed. */
import { type Cosigner, canCosign, cosign, parseCheckpoint } from '@sigstack/checkpoint'
import { quoted } from '@sigstack/crypto'
import { emptyTree, growTree, leafHash, ProofError, type TreeHead, verifySubtree } from '@sigstack/merkle'
import { WitnessError } from '../cosigning/errors.ts'
import type { KnownLogs } from '../cosigning/logs-file.ts'
import { createByteReader } from './byte-reader.ts'
import type { Pending } from './pending.ts'
import type { MirrorCheckpoint, Mirrored, MirrorStore, ProvenPackage } from './store.ts'
import {
  bundleStartOf,
  type EntryPackage,
  readPackage,
  readUploadHeader,
  type UploadHeader,
} from './upload.ts'

/** Where an upload goes on: a tree that may be uploaded to, and the first entry that is missing. */
export type MirrorInfo = { readonly treeSize: bigint; readonly nextEntry: bigint }

export type UploadOutcome =
  /** All of the tree is here: signature lines, each with its line feed. */
  | { readonly kind: 'mirrored'; readonly lines: string }
  /** Some was kept, more is to come. */
  | { readonly kind: 'partial'; readonly info: MirrorInfo }
  /** Nothing was kept: the upload does not fit what is here. */
  | { readonly kind: 'misfit'; readonly info: MirrorInfo }

export type Mirror = {
  /** The body of one request. Throws {@link WitnessError}. */
  addEntries(body: AsyncIterable<Uint8Array>): Promise<UploadOutcome>
  /** The mirror checkpoint with the lines that were given out. */
  checkpoint(originHash: Uint8Array): Promise<string | undefined>
  readonly tile: MirrorStore['tile']
  readonly bundle: MirrorStore['bundle']
}

export type MirrorDependencies = {
  readonly store: MirrorStore
  readonly logs: () => KnownLogs
  /** Checkpoints that the witness has taken, to which entries may be uploaded. */
  readonly pending: Pending
  /** Other keys than those of the witness. The first can cosign whatever can be parsed. */
  readonly cosigners: readonly [Cosigner, ...Cosigner[]]
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Told of what could not be kept. */
  readonly onError: (error: unknown) => void
}

/** As many as a client should send in one request. */
const mostPackages = 32
/** So many entries that are here already are read once more. */
const mostRepeated = 8_192n

export function createMirror(dependencies: MirrorDependencies): Mirror {
  const { store, logs, pending, cosigners, now, onError } = dependencies

  async function addEntries(body: AsyncIterable<Uint8Array>): Promise<UploadOutcome> {
    const reader = createByteReader(body)
    const upload = await readUploadHeader(reader)
    const { origin, end } = upload
    if (!logs().has(origin)) throw new WitnessError('unknown_log', `no log ${quoted(origin)} is known here`)
    const newest = await pending.newest(origin)
    if (newest === undefined)
      throw new WitnessError('no_checkpoint', 'no checkpoint of this log was submitted yet')
    const target = await pending.ofSize(origin, end)
    let mirrored = await store.read(origin)
    const treeSize = target !== undefined && end >= (mirrored.treeSize ?? 0n) ? end : newest.treeHead.size
    const info = (): MirrorInfo => ({ treeSize, nextEntry: mirrored.nextEntry })
    if (target === undefined || !isFitting(upload, mirrored)) return { kind: 'misfit', info: info() }

    let kept = 0
    for (let start = upload.start; start < end && kept < mostPackages; kept++) {
      const entries = await readPackage(reader, start, end)
      if (entries === undefined) break
      mirrored = await store.save(origin, await proven(origin, entries, target.treeHead))
      start = entries.end
    }
    if (mirrored.nextEntry < end) {
      if (kept === 0) throw new WitnessError('malformed', 'the body ends before its first package does')
      return { kind: 'partial', info: info() }
    }
    if (!(await reader.isAtEnd())) throw new WitnessError('malformed', 'bytes follow the last package')
    const lines = await commit(target.checkpoint)
    return lines === undefined ? { kind: 'misfit', info: info() } : { kind: 'mirrored', lines }
  }

  /** Throws `inconsistent` for what is not in the tree. */
  async function proven(
    origin: string,
    entryPackage: EntryPackage,
    { size, rootHash }: TreeHead,
  ): Promise<ProvenPackage> {
    const { bundleStart, start, end, entries, proof } = entryPackage
    const before = await store.leafHashes(origin, bundleStart, start)
    const leafHashes = entries.map((entry) => leafHash(entry))
    const { tree } = growTree(emptyTree, [...before, ...leafHashes])
    try {
      verifySubtree({ start: bundleStart, end, treeSize: size, hashes: proof }, tree.rootHash, rootHash)
    } catch (cause) {
      if (!(cause instanceof ProofError)) throw cause
      throw new WitnessError('inconsistent', `entries ${start} to ${end}: ${cause.message}`, { cause })
    }
    return { ...entryPackage, leafHashes }
  }

  /** Undefined when a larger tree was faster. After a crash before the signatures, who reads the checkpoint next has them made. */
  async function commit(note: string): Promise<string | undefined> {
    const { origin, treeHead } = parseCheckpoint(note)
    const root = await store.rootOf(origin, treeHead.size)
    if (Buffer.compare(root, treeHead.rootHash) !== 0)
      throw new Error(`the copy of ${quoted(origin)} is damaged: it has another root at ${treeHead.size}`)
    const timeSeconds = BigInt(Math.floor(now() / 1000))
    const committed = await store.commit({ origin, treeSize: treeHead.size, checkpoint: note, timeSeconds })
    return committed && signKept(committed)
  }

  async function signKept(of: MirrorCheckpoint): Promise<string> {
    const lines = await sign(of.checkpoint, of.timeSeconds)
    await store.keepCosignatures(of, lines).catch(onError)
    return lines
  }

  async function sign(note: string, timeSeconds: bigint): Promise<string> {
    const checkpoint = parseCheckpoint(note)
    const able = cosigners.filter(({ key }) => canCosign(checkpoint, key))
    return (await Promise.all(able.map((cosigner) => cosign(checkpoint, cosigner, timeSeconds)))).join('')
  }

  return {
    addEntries,
    tile: store.tile,
    bundle: store.bundle,
    checkpoint: async (originHash) => {
      const last = await store.checkpoint(originHash)
      if (last === undefined) return undefined
      return last.checkpoint + (last.cosignatures ?? (await signKept(last)))
    },
  }
}

/** Without a gap, not behind the mirror checkpoint, and not too much of what is here already. */
function isFitting({ start, end }: UploadHeader, { nextEntry, treeSize }: Mirrored): boolean {
  if (start > nextEntry || end < (treeSize ?? 0n)) return false
  return start === end || bundleStartOf(start) + mostRepeated > nextEntry
}

/**
 * Gives out tree heads, signed: once for each size, and only after the transaction that made the head has committed. No transaction and
 * no later batch waits for it, so it may take its time; whoever is to get the checkpoint waits until it is whole.
 */
import type { TreeHead } from '@sigstack/merkle'
import type { Cosigning } from './cosigning.ts'
import { LogError } from './errors.ts'
import type { SignedCheckpoint } from './log.ts'
import type { TreeReader } from './read-tree.ts'
import type { SignedHeads } from './signed-heads.ts'

export type Publisher = {
  /**
   * The checkpoint of a head that this process has vouched for, or of a later one where others were to sign it too and had gone on. Throws
   * `unavailable` when it cannot be signed.
   */
  publish(treeHead: TreeHead): Promise<SignedCheckpoint>
  /** The same for writers who get no checkpoint: it is signed for them only where others are to sign it too. */
  follow(treeHead: TreeHead): Promise<void>
  /** The newest tree head, published. */
  newest(): Promise<SignedCheckpoint>
  /** One that covers the entry: the newest a moment ago will do. */
  covering(leafIndex: bigint): Promise<SignedCheckpoint>
  /** The newest tree head, signed anew also where it has not grown. */
  republish(): Promise<SignedCheckpoint>
}

/**
 * Signs a tree head as the dialect wants it. May be slow, since it is never called inside a transaction, and may fail; but whoever
 * waits for it waits until it settles.
 *
 * @param frozenAtMs Of the head that is the last one, in milliseconds since the epoch: when it became that.
 */
export type SignCheckpoint = (treeHead: TreeHead, origin: string, frozenAtMs?: number) => Promise<string>

export type PublisherOptions = {
  /** Knows the heads, and the proofs between them, which is what others ask for before they sign a head too. */
  readonly reader: TreeReader
  readonly signCheckpoint: SignCheckpoint
  readonly signedHeads: SignedHeads | undefined
  readonly cosigning?: Cosigning | undefined
}

type Published = {
  readonly size: bigint
  readonly frozenAtMs: number | undefined
  readonly published: Promise<SignedCheckpoint>
}

export function createPublisher(options: PublisherOptions): Publisher {
  const { reader, signCheckpoint, signedHeads, cosigning } = options
  let last: Published | undefined
  /** The last one that readers were given for their entries: writers may be far ahead of it. */
  let covering: Published | undefined

  /** When the head of this size became the last one, if it did and that is known. */
  function frozenAt(size: bigint): number | undefined {
    const frozen = reader.frozenHead()
    return frozen?.size === size ? frozen.atMs : undefined
  }

  /** What our key has signed is remembered before anybody else is asked. */
  async function signAndKeep(treeHead: TreeHead): Promise<SignedCheckpoint> {
    const frozenAtMs = frozenAt(treeHead.size)
    const note = await signCheckpoint(treeHead, reader.origin, frozenAtMs).catch((cause: unknown) => {
      throw new LogError('unavailable', 'the checkpoint could not be signed; try again', { cause })
    })
    const checkpoint = { treeHead, note, ...(frozenAtMs !== undefined && { frozenAtMs }) }
    signedHeads?.keep(checkpoint)
    return checkpoint
  }

  async function signWithOthers(treeHead: TreeHead): Promise<SignedCheckpoint> {
    const checkpoint = await signAndKeep(treeHead)
    return cosigning === undefined ? checkpoint : cosigning.gather(checkpoint, cosignedLog)
  }

  const cosignedLog = {
    origin: reader.origin,
    proveConsistency: reader.proveConsistency,
    newest: async () => signAndKeep(await reader.treeHead()),
    update: (checkpoint: SignedCheckpoint) => {
      // What was signed before the log was frozen may come late.
      if (last?.size !== checkpoint.treeHead.size || last.frozenAtMs !== checkpoint.frozenAtMs) return
      last = { ...last, published: Promise.resolve(checkpoint) }
    },
  }

  function publish({ size, rootHash }: TreeHead): Promise<SignedCheckpoint> {
    const frozenAtMs = frozenAt(size)
    if (last?.size === size && last.frozenAtMs === frozenAtMs) return last.published
    const published = signWithOthers({ size, rootHash })
    const mine = { size, frozenAtMs, published }
    last = mine
    // A failed signature must not be remembered.
    published.catch(() => {
      if (last === mine) last = undefined
      if (covering === mine) covering = undefined
    })
    return published
  }

  function publishCovering(treeHead: TreeHead): Promise<SignedCheckpoint> {
    const { size } = treeHead
    const isAhead = last !== undefined && last.size > size
    if (isAhead && covering?.size === size && covering.frozenAtMs === frozenAt(size))
      return covering.published
    const published = publish(treeHead)
    covering = last
    return published
  }

  const newest = async () => publish(await reader.treeHead())

  return {
    publish,
    follow: async (treeHead) => {
      if (cosigning === undefined) signedHeads?.follow(newest)
      else await publish(treeHead)
    },
    newest,
    covering: async (leafIndex) => publishCovering(reader.recentHead(leafIndex) ?? (await reader.treeHead())),
    republish: async () => {
      const treeHead = await reader.treeHead()
      if (last?.size === treeHead.size) last = undefined
      return publish(treeHead)
    },
  }
}

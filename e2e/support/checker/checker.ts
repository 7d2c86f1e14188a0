/**
 * What the outside checker knows: every answer and every tree head that a log has ever given. It trusts nothing but the log's public
 * keys, and holds the log to all of it.
 */
import { type Checkpoint, parseCheckpoint, rekorV1KeyHint, verifyCheckpoint } from '@sigstack/checkpoint'
import { canonicalJson, keyFingerprint, type PublicKey, toHex, verifySignature } from '@sigstack/crypto'
import { asHash, type Hash, leafHash, verifyConsistency, verifyInclusion } from '@sigstack/merkle'

/** The value of a log entry in Rekor v1's answers. */
export type LogEntry = {
  readonly body: string
  readonly integratedTime: number
  readonly logID: string
  readonly logIndex: number
  readonly verification: {
    readonly inclusionProof: {
      readonly checkpoint: string
      readonly hashes: readonly string[]
      readonly logIndex: number
      readonly rootHash: string
      readonly treeSize: number
    }
    readonly signedEntryTimestamp: string
  }
}

type ShardInfo = { readonly signedTreeHead: string }

export type Counts = {
  /** Entries that were answered. */
  readonly answered: number
  /** Tree heads seen, in answers and when the log was looked at. */
  readonly treeHeads: number
  readonly trees: number
}

export type Checker = {
  /** Of the log, before and after each rollover. */
  trust(key: PublicKey): void
  /** An answer as it came. Throws at once when it does not prove itself or contradicts an earlier one. */
  hold(uuid: string, entry: LogEntry): Promise<void>
  /** A checkpoint as it was seen. Throws when it contradicts an earlier one. */
  holdCheckpoint(note: string): Promise<void>
  /** The largest size that was held of each tree, by its origin. */
  largest(): ReadonlyMap<string, number>
  /** Asks the log for everything it has answered, and for the proofs that its tree heads extend each other. */
  confront(url: string): Promise<void>
  counts(): Counts
}

export function createChecker(): Checker {
  const keys = new Map<string, PublicKey>()
  const entries = new Map<string, LogEntry>()
  const uuidAt = new Map<number, string>()
  /** Of each tree, by its origin: roots by size. */
  const trees = new Map<string, Map<number, string>>()
  const largest = new Map<string, number>()
  /** Of each tree, by its origin: the index in the whole log of its first entry. */
  const firstIndexes = new Map<string, number>()

  async function verifyEntry(uuid: string, entry: LogEntry): Promise<void> {
    const { inclusionProof, signedEntryTimestamp } = entry.verification
    const leaf = leafHash(Buffer.from(entry.body, 'base64'))
    if (uuid.slice(16) !== toHex(leaf)) throw new Error(`${uuid} is not the hash of its body`)
    const key = keys.get(entry.logID)
    if (key === undefined) throw new Error(`${uuid} names another log`)
    const { body, integratedTime, logID, logIndex } = entry
    const promised = canonicalJson({ body, integratedTime, logID, logIndex })
    const promise = Buffer.from(signedEntryTimestamp, 'base64')
    if (!(await verifySignature(key, 'sha256', Buffer.from(promised), promise))) {
      throw new Error(`the SET of ${uuid} does not verify`)
    }
    const { origin, treeHead } = await verifyBy(key, inclusionProof.checkpoint)
    if (uuid.slice(0, 16) !== treeIdOf(origin)) throw new Error(`${uuid} is not of the tree ${origin}`)
    verifyInclusion(
      {
        leafIndex: BigInt(inclusionProof.logIndex),
        treeSize: BigInt(inclusionProof.treeSize),
        siblings: inclusionProof.hashes.map(hashOf),
      },
      leaf,
      treeHead.rootHash,
    )
    note(origin, Number(treeHead.size), toHex(treeHead.rootHash))
    const firstIndex = logIndex - inclusionProof.logIndex
    if ((firstIndexes.get(origin) ?? firstIndex) !== firstIndex)
      throw new Error(`${origin} begins at ${firstIndex} and at ${firstIndexes.get(origin)}`)
    firstIndexes.set(origin, firstIndex)
  }

  function verifyBy(publicKey: PublicKey, checkpoint: string): Promise<Checkpoint> {
    return verifyCheckpoint(checkpoint, { publicKey, keyHint: rekorV1KeyHint(publicKey) })
  }

  function note(origin: string, size: number, root: string): void {
    const roots = trees.get(origin) ?? new Map<number, string>()
    trees.set(origin, roots)
    const known = roots.get(size)
    if (known !== undefined && known !== root)
      throw new Error(`two roots of size ${size}: ${known} and ${root}`)
    roots.set(size, root)
    largest.set(origin, Math.max(size, largest.get(origin) ?? 0))
  }

  async function hold(uuid: string, entry: LogEntry): Promise<void> {
    await verifyEntry(uuid, entry)
    const other = uuidAt.get(entry.logIndex)
    if (other !== undefined && other !== uuid)
      throw new Error(`two entries at index ${entry.logIndex}: ${other} and ${uuid}`)
    const before = entries.get(uuid)
    if (before !== undefined && before.logIndex !== entry.logIndex) {
      throw new Error(`${uuid} moved from ${before.logIndex} to ${entry.logIndex}`)
    }
    uuidAt.set(entry.logIndex, uuid)
    if (before === undefined) entries.set(uuid, entry)
  }

  async function confrontEntries(url: string): Promise<void> {
    const all = [...entries]
    for (let at = 0; at < all.length; at += 10) {
      const asked = all.slice(at, at + 10)
      const found = await post<Record<string, LogEntry>[]>(`${url}/api/v1/log/entries/retrieve`, {
        entryUUIDs: asked.map(([uuid]) => uuid),
      })
      const byUuid = new Map(found.flatMap((each) => Object.entries(each)))
      for (const [uuid, before] of asked) {
        const now = byUuid.get(uuid)
        if (now === undefined) throw new Error(`${uuid}, answered at index ${before.logIndex}, is lost`)
        if (now.body !== before.body || now.integratedTime !== before.integratedTime)
          throw new Error(`${uuid} has changed`)
        await hold(uuid, now)
      }
    }
  }

  /** Every tree head ever signed must be a beginning of the next, and so of the newest. */
  async function confrontTreeHeads(url: string): Promise<void> {
    for (const [origin, roots] of trees) {
      const treeId = BigInt(`0x${treeIdOf(origin)}`)
      const sizes = [...roots.keys()].filter((size) => size > 0).sort((a, b) => a - b)
      for (const [at, newSize] of sizes.entries()) {
        const oldSize = sizes[at - 1]
        if (oldSize === undefined) continue
        const { hashes } = await get<{ hashes: string[] }>(
          `${url}/api/v1/log/proof?firstSize=${oldSize}&lastSize=${newSize}&treeID=${treeId}`,
        )
        verifyConsistency(
          { oldSize: BigInt(oldSize), newSize: BigInt(newSize), hashes: hashes.map(hashOf) },
          hashOf(roots.get(oldSize) ?? ''),
          hashOf(roots.get(newSize) ?? ''),
        )
      }
    }
  }

  /** The clock of a log never goes back, whatever those of its servers do. */
  function assertTimesInOrder(): void {
    let last: LogEntry | undefined
    for (const entry of [...entries.values()].sort((a, b) => a.logIndex - b.logIndex)) {
      if (last !== undefined && entry.integratedTime < last.integratedTime)
        throw new Error(`entry ${entry.logIndex} is older than entry ${last.logIndex}`)
      last = entry
    }
  }

  /** Each shard begins where the one before it ends. */
  async function confrontShards(url: string): Promise<void> {
    const active = await get<ShardInfo & { inactiveShards: ShardInfo[] | null }>(`${url}/api/v1/log`)
    let end = 0
    for (const { signedTreeHead } of [...(active.inactiveShards ?? []), active]) {
      await holdCheckpoint(signedTreeHead)
      const { origin, treeHead } = parseCheckpoint(signedTreeHead)
      const begin = firstIndexes.get(origin) ?? end
      if (begin !== end) throw new Error(`${origin} begins at ${begin}, and what is before it ends at ${end}`)
      end += Number(treeHead.size)
    }
  }

  async function holdCheckpoint(checkpoint: string): Promise<void> {
    const hints = parseCheckpoint(checkpoint).signatures.map(({ keyHint }) => toHex(keyHint))
    const key = [...keys.values()].find((each) => hints.includes(toHex(rekorV1KeyHint(each))))
    if (key === undefined) throw new Error(`a checkpoint is signed by no key of this log:\n${checkpoint}`)
    const { origin, treeHead } = await verifyBy(key, checkpoint)
    note(origin, Number(treeHead.size), toHex(treeHead.rootHash))
  }

  return {
    trust: (key) => {
      keys.set(toHex(keyFingerprint(key)), key)
    },
    hold,
    holdCheckpoint,
    largest: () => new Map(largest),
    confront: async (url) => {
      await confrontEntries(url)
      assertTimesInOrder()
      await confrontShards(url)
      await confrontTreeHeads(url)
    },
    counts: () => ({
      answered: entries.size,
      treeHeads: [...trees.values()].reduce((sum, { size }) => sum + size, 0),
      trees: trees.size,
    }),
  }
}

/** The hex that entry IDs of the tree begin with; an origin ends with the same number in decimal. */
function treeIdOf(origin: string): string {
  const decimal = / - (\d+)$/.exec(origin)?.[1]
  if (decimal === undefined) throw new Error(`${origin} is no origin of a Rekor log`)
  return BigInt(decimal).toString(16).padStart(16, '0')
}

function hashOf(hex: string): Hash {
  return asHash(Buffer.from(hex, 'hex'))
}

async function post<T>(url: string, body: unknown): Promise<T> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return answerOf<T>(url, answer)
}

async function get<T>(url: string): Promise<T> {
  return answerOf<T>(url, await fetch(url))
}

async function answerOf<T>(url: string, answer: Response): Promise<T> {
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${await answer.text()}`)
  return (await answer.json()) as T
}

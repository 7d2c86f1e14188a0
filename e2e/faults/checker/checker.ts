/**
 * The outside checker: keeps every answer a log has ever given and holds the log to all of them. It trusts nothing but the log's
 * public key.
 */
import { rekorV1KeyHint, verifyCheckpoint } from '@sigstack/checkpoint'
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

export type Checker = {
  /** An answer as it came. Throws at once when it does not prove itself or contradicts an earlier one. */
  hold(uuid: string, entry: LogEntry): Promise<void>
  /** Asks the log for everything it has answered, and for the proofs that its tree heads extend each other. */
  confront(url: string): Promise<void>
  answered(): number
  treeHeads(): number
}

export function createChecker(logKey: PublicKey): Checker {
  const entries = new Map<string, LogEntry>()
  const uuidAt = new Map<number, string>()
  const roots = new Map<number, string>()

  async function verifyEntry(uuid: string, entry: LogEntry): Promise<void> {
    const { inclusionProof, signedEntryTimestamp } = entry.verification
    const leaf = leafHash(Buffer.from(entry.body, 'base64'))
    if (uuid.slice(16) !== toHex(leaf)) throw new Error(`${uuid} is not the hash of its body`)
    if (entry.logID !== toHex(keyFingerprint(logKey))) throw new Error(`${uuid} names another log`)
    const { body, integratedTime, logID, logIndex } = entry
    const promised = canonicalJson({ body, integratedTime, logID, logIndex })
    const promise = Buffer.from(signedEntryTimestamp, 'base64')
    if (!(await verifySignature(logKey, 'sha256', Buffer.from(promised), promise))) {
      throw new Error(`the SET of ${uuid} does not verify`)
    }
    await holdCheckpoint(inclusionProof.checkpoint, inclusionProof.treeSize, inclusionProof.rootHash)
    verifyInclusion(
      {
        leafIndex: BigInt(inclusionProof.logIndex),
        treeSize: BigInt(inclusionProof.treeSize),
        siblings: inclusionProof.hashes.map(hashOf),
      },
      leaf,
      hashOf(inclusionProof.rootHash),
    )
  }

  async function holdCheckpoint(note: string, size: number, rootHash: string): Promise<void> {
    await verifyCheckpoint(note, {
      publicKey: logKey,
      keyHint: rekorV1KeyHint(logKey),
      expectedTreeHead: { size: BigInt(size), rootHash: hashOf(rootHash) },
    })
    const known = roots.get(size)
    if (known !== undefined && known !== rootHash)
      throw new Error(`two roots of size ${size}: ${known} and ${rootHash}`)
    roots.set(size, rootHash)
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

  return {
    hold,
    answered: () => entries.size,
    treeHeads: () => roots.size,
    confront: async (url) => {
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
      await confrontTreeHeads(url)
    },
  }

  /** Every tree head ever signed must be a beginning of the next, and so of the newest. */
  async function confrontTreeHeads(url: string): Promise<void> {
    const sizes = [...roots.keys()].sort((a, b) => a - b)
    for (const [at, newSize] of sizes.entries()) {
      const oldSize = sizes[at - 1]
      if (oldSize === undefined) continue
      const { hashes } = await get<{ hashes: string[] }>(
        `${url}/api/v1/log/proof?firstSize=${oldSize}&lastSize=${newSize}`,
      )
      verifyConsistency(
        { oldSize: BigInt(oldSize), newSize: BigInt(newSize), hashes: hashes.map(hashOf) },
        hashOf(roots.get(oldSize) ?? ''),
        hashOf(roots.get(newSize) ?? ''),
      )
    }
  }
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

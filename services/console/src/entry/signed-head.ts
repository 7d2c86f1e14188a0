/** Whether a log of the trusted root signed a head, found out once: all entries that are read within a second stand under the same one. */
import { verifyCheckpoint } from '@sigstack/checkpoint'
import { type PublicKey, toHex } from '@sigstack/crypto'
import type { TreeHead } from '@sigstack/merkle'
import type { TrustedLog } from '@sigstack/trust-root'
import { LRUCache } from 'lru-cache'

type Expected = {
  readonly publicKey: PublicKey
  readonly keyHint: Uint8Array
  readonly name?: string
  readonly expectedTreeHead?: TreeHead
}

/** The root that they are of is read anew where it changes, and with it all of this begins anew. */
const verdicts = new WeakMap<TrustedLog, LRUCache<string, Promise<unknown>>>()
const mostHeads = 16

/** Throws a `CheckpointError`, as `verifyCheckpoint` does. `publicKey` is that of `log`. */
export async function demandSignedHead(log: TrustedLog, note: string, expected: Expected): Promise<void> {
  const ofLog = verdicts.get(log) ?? new LRUCache<string, Promise<unknown>>({ max: mostHeads })
  verdicts.set(log, ofLog)
  const { keyHint, name = '', expectedTreeHead: head } = expected
  const asked = [toHex(keyHint), name, head?.size, head && toHex(head.rootHash), note].join('\n')
  const verdict = ofLog.get(asked) ?? verifyCheckpoint(note, expected)
  ofLog.set(asked, verdict)
  await verdict
}

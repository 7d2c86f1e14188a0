/**
 * A Rekor log of any size in minutes: entries of real form, made from their index, written the way a backup is restored, which is
 * the engine's fastest. The log is that of a stack, which can be started on it.
 */
import { createHash } from 'node:crypto'
import { defaultClientAlgorithms } from '@sigstack/crypto'
import { type LogEntry, listShards, type OpenBackup, readLogEntries, restoreLog } from '@sigstack/log-engine'
import { emptyTree, growTree, leafHash } from '@sigstack/merkle'
import type { Pool } from '@sigstack/postgres'
import { verifyProposal } from '@sigstack/rekor-entries'

/** The canonical body of entry `index`, in which digest and signature are new. */
export type EntryMaker = (index: number) => Buffer

const logName = 'rekor-v1'
const entriesPerPage = 2048

/** @param proposal A hashedrekord that was really signed: the others are like it. */
export async function entriesLike(proposal: unknown): Promise<EntryMaker> {
  const { body } = await verifyProposal(proposal, {
    allowedAlgorithms: defaultClientAlgorithms,
    now: () => new Date(),
  })
  const text = Buffer.from(body).toString()
  const { spec } = JSON.parse(text) as {
    spec: { data: { hash: { value: string } }; signature: { content: string } }
  }
  const digest = spec.data.hash.value
  const content = spec.signature.content
  const signature = Buffer.from(content, 'base64')
  const [head = '', rest = ''] = text.split(digest)
  const [middle = '', tail = ''] = rest.split(content)
  return (index) => {
    const random = createHash('sha512').update(String(index)).digest()
    const signed = Buffer.concat([signature.subarray(0, signature.length - random.length), random])
    return Buffer.from(
      `${head}${createHash('sha256').update(random).digest('hex')}${middle}${signed.toString('base64')}${tail}`,
    )
  }
}

/**
 * Makes the log that a stack has begun in this database one of so many entries: those it has come first. The stack is stopped; its next
 * start goes on with what it finds.
 */
export async function fillLog(
  pool: Pool,
  entries: number,
  make: EntryMaker,
  onProgress: (done: bigint, total: bigint) => void,
): Promise<void> {
  const [shard] = await listShards(pool, logName)
  if (shard?.publicKey === undefined) throw new Error(`no stack has begun the log ${logName} here`)
  const { name, origin, logId, publicKey, treeSize } = shard
  const first = await readLogEntries(pool, logName, 0n, treeSize)
  const now = Date.now()
  const pages = () => pagesOf(first, entries, make, now)
  let tree = emptyTree
  for (const page of pages())
    tree = growTree(
      tree,
      page.map((entry) => leafHash(entry.leaf)),
    ).tree
  const { size, rootHash } = tree
  const backup: OpenBackup = {
    manifest: {
      log: logName,
      takenAt: new Date().toISOString(),
      mode: 'open',
      modeReason: undefined,
      shards: [
        {
          name,
          shard: 0,
          origin,
          logId,
          publicKey: Buffer.from(publicKey),
          keyFile: undefined,
          size,
          rootHash,
          isFrozen: false,
          frozenAtMs: undefined,
          // Restoring reads none, and the stack signs one when it starts.
          checkpoint: '',
        },
      ],
    },
    pages: (async function* () {
      for (const page of pages()) yield { shard: 0, entries: page }
    })(),
    checksum: () => Buffer.alloc(32),
  }
  await forgetLog(pool)
  await restoreLog(pool, { backup, onProgress })
}

/** A log is restored only where none of its name is. */
async function forgetLog(pool: Pool): Promise<void> {
  await pool.query(
    `with forgotten as (delete from log where name = $1 returning log_no)
     delete from entry using forgotten where entry.log_no = forgotten.log_no`,
    [logName],
  )
}

/** All at once, and in the life of a certificate that was issued just before. */
function* pagesOf(first: readonly LogEntry[], entries: number, make: EntryMaker, sequencedAtMs: number) {
  for (let start = 0; start < entries; start += entriesPerPage) {
    const count = Math.min(entriesPerPage, entries - start)
    yield Array.from({ length: count }, (_, i) => {
      const { leaf = make(start + i), extra } = first[start + i] ?? {}
      return { leafIndex: BigInt(start + i), sequencedAtMs, leaf, extra, identity: undefined }
    })
  }
}

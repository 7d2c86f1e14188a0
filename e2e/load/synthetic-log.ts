/**
 * A Rekor log of any size in minutes: entries of real form, made from their index, written the way a backup is restored, which is
 * the engine's fastest. Nothing signs them, which only a writer would notice.
 */
import { createHash } from 'node:crypto'
import { rekorV1KeyHint, signCheckpoint } from '@sigstack/checkpoint'
import { createSigner, defaultClientAlgorithms, generateSigningKey, keyFingerprint } from '@sigstack/crypto'
import { type OpenBackup, restoreLog } from '@sigstack/log-engine'
import { emptyTree, growTree, leafHash } from '@sigstack/merkle'
import type { Pool } from '@sigstack/postgres'
import { verifyProposal } from '@sigstack/rekor-entries'

/** The canonical body of entry `index`, in which digest and signature are new. */
export type EntryMaker = (index: number) => Buffer

const entriesPerPage = 2048
const firstTimeMs = Date.parse('2026-01-01T00:00:00Z')

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

/** Makes the log in a database that holds none. */
export async function fillLog(
  pool: Pool,
  entries: number,
  make: EntryMaker,
  onProgress: (done: bigint, total: bigint) => void,
): Promise<void> {
  const signer = createSigner(generateSigningKey())
  const origin = 'bench.example.org - 1'
  let tree = emptyTree
  for (const page of pagesOf(entries, make))
    tree = growTree(
      tree,
      page.map((entry) => leafHash(entry.leaf)),
    ).tree
  const { size, rootHash } = tree
  const keyHint = rekorV1KeyHint(signer.publicKey)
  const checkpoint = await signCheckpoint({
    origin,
    name: 'bench.example.org',
    treeHead: tree,
    signer,
    keyHint,
  })
  const shard = {
    name: 'rekor-v1',
    shard: 0,
    origin,
    logId: Buffer.from(keyFingerprint(signer.publicKey)),
    publicKey: Buffer.from(signer.publicKey.spki),
    keyFile: undefined,
    isFrozen: false,
    frozenAtMs: undefined,
  }
  const backup: OpenBackup = {
    manifest: {
      log: 'rekor-v1',
      takenAt: new Date().toISOString(),
      mode: 'open',
      modeReason: undefined,
      shards: [{ ...shard, size, rootHash, checkpoint }],
    },
    pages: (async function* () {
      for (const page of pagesOf(entries, make)) yield { shard: 0, entries: page }
    })(),
    checksum: () => Buffer.alloc(32),
  }
  await restoreLog(pool, { backup, onProgress })
}

function* pagesOf(entries: number, make: EntryMaker) {
  for (let start = 0; start < entries; start += entriesPerPage) {
    const count = Math.min(entriesPerPage, entries - start)
    yield Array.from({ length: count }, (_, i) => ({
      leafIndex: BigInt(start + i),
      sequencedAtMs: firstTimeMs + start + i,
      leaf: make(start + i),
      extra: undefined,
      identity: undefined,
    }))
  }
}

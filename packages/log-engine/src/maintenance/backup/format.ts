/**
 * The form of a backup (docs/operations/log-operations.md): a line that names it, then frames.
 *
 *     frame = length of payload (4 bytes) ‖ kind (1) ‖ payload ‖ SHA-256(checksum before ‖ kind ‖ payload)
 *
 * The first frame is the manifest, the last one the end; between them are pages of entries, shard by shard. Numbers are big-endian.
 * Each checksum covers everything before it, so the last one is that of the whole backup.
 */
import { createHash } from 'node:crypto'
import { asHash, type Hash, hashBytes } from '@sigstack/merkle'
import type { LogEntry } from '../../log.ts'
import { notABackup } from './manifest.ts'

export const formatLine = Buffer.from('sigstack-log-backup/1\n')
export const frameKind = { manifest: 1, entries: 2, end: 3 } as const
export const frameHeaderBytes = 5
export const checksumBytes = 32
export const firstChecksum = createHash('sha256').update(formatLine).digest()
/** Far above the largest page. */
export const longestPayload = 1 << 28

/** An entry as a backup keeps it; its leaf hash is computed when it is read. */
export type BackupEntry = Pick<LogEntry, 'leafIndex' | 'sequencedAtMs' | 'leaf' | 'extra'> & {
  /** `undefined` where it is the leaf hash. */
  readonly identity: Hash | undefined
}

/** Entries of one shard that follow each other. */
export type BackupPage = { readonly shard: number; readonly entries: readonly BackupEntry[] }

export function encodeHeader(kind: number, payload: Uint8Array): Buffer {
  const header = Buffer.alloc(frameHeaderBytes)
  header.writeUInt32BE(payload.length)
  header[4] = kind
  return header
}

export function checksumOf(before: Uint8Array, kind: number, payload: Uint8Array): Buffer {
  return createHash('sha256').update(before).update(Buffer.of(kind)).update(payload).digest()
}

const flag = { identity: 1, extra: 2 } as const
const pageHeaderBytes = 16

/** Shard (4 bytes), first leaf index (8), count (4), then each entry: time (8), flags (1), identity, leaf and extra with lengths. */
export function encodePage({ shard, entries }: BackupPage): Buffer {
  const header = Buffer.alloc(pageHeaderBytes)
  header.writeUInt32BE(shard)
  header.writeBigInt64BE(entries[0]?.leafIndex ?? 0n, 4)
  header.writeUInt32BE(entries.length, 12)
  const parts: Uint8Array[] = [header]
  for (const { sequencedAtMs, identity, leaf, extra } of entries) {
    const fixed = Buffer.alloc(9)
    fixed.writeBigInt64BE(BigInt(sequencedAtMs))
    fixed[8] = (identity === undefined ? 0 : flag.identity) | (extra === undefined ? 0 : flag.extra)
    parts.push(fixed)
    if (identity !== undefined) parts.push(identity)
    parts.push(lengthOf(leaf), leaf)
    if (extra !== undefined) parts.push(lengthOf(extra), extra)
  }
  return Buffer.concat(parts)
}

/** Throws `not_a_backup`. */
export function parsePage(payload: Buffer): BackupPage {
  try {
    return pageOf(payload)
  } catch (cause) {
    if (cause instanceof RangeError) throw notABackup('a page of entries ends too early', cause)
    throw cause
  }
}

function pageOf(payload: Buffer): BackupPage {
  let at = pageHeaderBytes
  const take = (length: number): Buffer => {
    if (at + length > payload.length) throw new RangeError('beyond the end')
    at += length
    return payload.subarray(at - length, at)
  }
  const takeLong = () => take(take(4).readUInt32BE())
  const shard = payload.readUInt32BE()
  const first = payload.readBigInt64BE(4)
  const count = payload.readUInt32BE(12)
  const entries: BackupEntry[] = []
  for (let n = 0; n < count; n++) {
    const sequencedAtMs = Number(take(8).readBigInt64BE())
    const flags = take(1)[0] ?? 0
    entries.push({
      leafIndex: first + BigInt(n),
      sequencedAtMs,
      identity: (flags & flag.identity) === 0 ? undefined : asHash(take(hashBytes)),
      leaf: takeLong(),
      extra: (flags & flag.extra) === 0 ? undefined : takeLong(),
    })
  }
  if (at !== payload.length) throw notABackup('a page of entries is longer than its entries')
  return { shard, entries }
}

function lengthOf(bytes: Uint8Array): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return length
}

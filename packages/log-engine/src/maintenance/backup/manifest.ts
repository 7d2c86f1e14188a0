/** The first frame of a backup: which log it is of, and the signed heads that its entries make. */
import { asHash, type Hash, hashBytes } from '@sigstack/merkle'
import type { LogMode } from '../../store.ts'
import { BackupError } from './errors.ts'

export type Manifest = {
  /** Name of the log's series of shards. */
  readonly log: string
  /** RFC 3339. */
  readonly takenAt: string
  readonly mode: LogMode
  readonly modeReason: string | undefined
  /** Of a log that follows others: which, and since when, in milliseconds since the epoch. */
  readonly place?: { readonly line: string; readonly openedAtMs: number } | undefined
  /** Oldest first, at least one; all but the last are frozen, and of a log that has its last entry that one too. */
  readonly shards: readonly BackupShard[]
}

export type BackupShard = {
  readonly name: string
  readonly shard: number
  readonly origin: string
  /** SHA-256 of `publicKey`. */
  readonly logId: Buffer
  /** SubjectPublicKeyInfo. */
  readonly publicKey: Buffer
  /** Name of the key's file in the folder of keys; `undefined` for the first key. */
  readonly keyFile: string | undefined
  readonly size: bigint
  readonly rootHash: Hash
  readonly isFrozen: boolean
  /** In milliseconds since the epoch; unknown of shards that an earlier release froze. */
  readonly frozenAtMs: number | undefined
  /** Signs exactly `size` and `rootHash`. */
  readonly checkpoint: string
}

const mostShards = 10_000

export function encodeManifest({ shards, modeReason, place, ...manifest }: Manifest): Buffer {
  return Buffer.from(
    JSON.stringify({
      ...manifest,
      modeReason: modeReason ?? null,
      place: place ?? null,
      shards: shards.map((shard) => ({
        ...shard,
        logId: shard.logId.toString('hex'),
        publicKey: shard.publicKey.toString('base64'),
        keyFile: shard.keyFile ?? null,
        frozenAtMs: shard.frozenAtMs ?? null,
        size: shard.size.toString(),
        rootHash: Buffer.from(shard.rootHash).toString('hex'),
      })),
    }),
  )
}

/** Throws `not_a_backup`. */
export function parseManifest(payload: Uint8Array): Manifest {
  const members = objectOf(parseJson(payload), 'the manifest')
  const { shards, mode, modeReason } = members
  if (!Array.isArray(shards) || shards.length === 0 || shards.length > mostShards) {
    throw notABackup('the manifest lists no shards')
  }
  if (mode !== 'open' && mode !== 'read-only' && mode !== 'maintenance') throw notABackup('mode is missing')
  return {
    log: textOf(members, 'log'),
    takenAt: textOf(members, 'takenAt'),
    mode,
    modeReason: typeof modeReason === 'string' ? modeReason : undefined,
    place: parsePlace(members['place']),
    shards: shards.map(parseShard),
  }
}

/** Backups of earlier releases say nothing of it. */
function parsePlace(value: unknown): Manifest['place'] {
  if (value === undefined || value === null) return undefined
  const members = objectOf(value, 'its place')
  const { openedAtMs } = members
  if (!Number.isSafeInteger(openedAtMs)) throw notABackup('its place has no time')
  return { line: textOf(members, 'line'), openedAtMs: Number(openedAtMs) }
}

function parseShard(value: unknown, position: number): BackupShard {
  const members = objectOf(value, `shard ${position}`)
  const { shard, isFrozen, frozenAtMs, keyFile } = members
  const size = textOf(members, 'size')
  const rootHash = Buffer.from(textOf(members, 'rootHash'), 'hex')
  const logId = Buffer.from(textOf(members, 'logId'), 'hex')
  if (!/^\d{1,19}$/.test(size)) throw notABackup(`shard ${position} has no size`)
  if (rootHash.length !== hashBytes || logId.length !== hashBytes) {
    throw notABackup(`shard ${position} has a root or a log ID that is no hash`)
  }
  if (shard !== position || typeof isFrozen !== 'boolean') throw notABackup(`shard ${position} is malformed`)
  return {
    name: textOf(members, 'name'),
    shard,
    origin: textOf(members, 'origin'),
    logId,
    publicKey: Buffer.from(textOf(members, 'publicKey'), 'base64'),
    keyFile: typeof keyFile === 'string' ? keyFile : undefined,
    size: BigInt(size),
    rootHash: asHash(rootHash),
    isFrozen,
    frozenAtMs: isFrozen && Number.isSafeInteger(frozenAtMs) ? Number(frozenAtMs) : undefined,
    checkpoint: textOf(members, 'checkpoint'),
  }
}

function parseJson(payload: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(payload).toString())
  } catch (cause) {
    throw notABackup('its manifest is not JSON', cause)
  }
}

function objectOf(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) throw notABackup(`${what} is not an object`)
  return { ...value }
}

function textOf(members: Readonly<Record<string, unknown>>, name: string): string {
  const value = members[name]
  if (typeof value !== 'string' || value === '') throw notABackup(`${name} is missing`)
  return value
}

export function notABackup(why: string, cause?: unknown): BackupError {
  return new BackupError('not_a_backup', `this is no backup of a log: ${why}`, { cause })
}

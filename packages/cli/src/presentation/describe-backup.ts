/** A backup in words and in JSON. */
import { counted, escaped } from '@sigstack/crypto'
import type { CheckedBackup } from '@sigstack/rekor-log'
import { whole } from './progress.ts'

type Manifest = CheckedBackup['manifest']

/** What a log needs besides, or loses. */
export const notInBackup = [
  'the keys of the log (keep its folder of keys and their password; without them it cannot go on)',
  'the search index (it is built again from the entries)',
  'stored attestations (pg_dump --table attestation)',
  'a key prepared for a rollover (prepare it again), and how far events were delivered',
  'settings and rules for writers, which are files and variables',
] as const

export function shardLines({ shards }: Manifest): string {
  return shards
    .map(({ origin, size, rootHash, isFrozen, keyFile, logId }) => {
      const root = Buffer.from(rootHash).toString('base64')
      const state = isFrozen ? ', frozen' : ''
      const where = keyFile === undefined ? 'the first key file' : escaped(keyFile)
      return `${escaped(origin)}: ${counted(size, 'entry', 'entries', whole)}${state}, root ${root}\n  key ${logId.toString('hex')}, in ${where}\n`
    })
    .join('')
}

export function backupJson({ manifest, sha256 }: CheckedBackup): Record<string, unknown> {
  const { log, takenAt, mode, shards } = manifest
  return {
    log,
    takenAt,
    mode,
    shards: shards.map(({ origin, size, rootHash, isFrozen, keyFile, logId, checkpoint }) => ({
      origin,
      size: `${size}`,
      rootHash: Buffer.from(rootHash).toString('hex'),
      isFrozen,
      logId: logId.toString('hex'),
      keyFile: keyFile ?? null,
      checkpoint,
    })),
    sha256: sha256.toString('hex'),
  }
}

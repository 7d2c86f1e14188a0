export type { Audited, AuditOptions } from './audit/audit-log.ts'
export { auditLog } from './audit/audit-log.ts'
export type { Finding, FindingKind, Findings } from './audit/findings.ts'
export { createFindings } from './audit/findings.ts'
export type { KnownHead } from './backup/check-backup.ts'
export { checkBackup, lengthOfBackup } from './backup/check-backup.ts'
export type { BackupErrorCode } from './backup/errors.ts'
export { BackupError } from './backup/errors.ts'
export type { BackupShard, Manifest } from './backup/manifest.ts'
export type { OpenBackup } from './backup/read-backup.ts'
export { openBackup } from './backup/read-backup.ts'
export { restoreLog } from './backup/restore-log.ts'
export { writeBackup } from './backup/write-backup.ts'
export type { LogErrorCode } from './errors.ts'
export { LogError } from './errors.ts'
export type { Appended, EncodedEntry, EntryDraft, Log, LogEntry, Place, SignedCheckpoint } from './log.ts'
export type { BatchReport, LogOptions } from './open-log.ts'
export { openLog } from './open-log.ts'
export { orUnavailable } from './or-unavailable.ts'
export type { NextKey, ShardRow } from './series.ts'
export {
  listShards,
  migrateLogs,
  prepareNextKey,
  readLogEntries,
  readNextKey,
  rememberPublicKey,
  rollOver,
  setMode,
} from './series.ts'
export type { LogMode } from './store.ts'

export type { BatchReport } from './append.ts'
export type { CosignedLog, Cosigning } from './cosigning.ts'
export type { LogErrorCode } from './errors.ts'
export { LogError } from './errors.ts'
export type { LineRow, NextLog, PlacedLog } from './line.ts'
export { lineOf, listLine, openNextLog, prepareNextLog, readLineNews, readNextLog } from './line.ts'
export type { Appended, EntryDraft, Log, LogEntry, LogReader, LogWriter, SignedCheckpoint } from './log.ts'
export { auditLog } from './maintenance/audit/audit-log.ts'
export type { Finding, Findings } from './maintenance/audit/findings.ts'
export { createFindings } from './maintenance/audit/findings.ts'
export type { KnownHead } from './maintenance/backup/check-backup.ts'
export { checkBackup, lengthOfBackup } from './maintenance/backup/check-backup.ts'
export type { BackupErrorCode } from './maintenance/backup/errors.ts'
export { BackupError } from './maintenance/backup/errors.ts'
export type { BackupShard, Manifest } from './maintenance/backup/manifest.ts'
export type { OpenBackup } from './maintenance/backup/read-backup.ts'
export { openBackup } from './maintenance/backup/read-backup.ts'
export { restoreLog } from './maintenance/backup/restore-log.ts'
export { writeBackup } from './maintenance/backup/write-backup.ts'
export type { LogOptions } from './open-log.ts'
export { openLog } from './open-log.ts'
export { orUnavailable } from './or-unavailable.ts'
export type { NextKey, ShardRow } from './series.ts'
export {
  forgetNextKey,
  freezeLog,
  listShards,
  migrateLogs,
  prepareNextKey,
  readLogEntries,
  readLogEntriesAt,
  readNextKey,
  readSeriesNews,
  rememberPublicKey,
  rollOver,
  setMode,
} from './series.ts'
export type { KeptHead, SignedHeads } from './signed-heads.ts'
export type { LogMode } from './store.ts'
export { tell } from './tell.ts'

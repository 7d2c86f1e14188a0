export type { Audited, AuditOptions } from './audit/audit-log.ts'
export { auditLog } from './audit/audit-log.ts'
export type { Finding, FindingKind, Findings } from './audit/findings.ts'
export { createFindings } from './audit/findings.ts'
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

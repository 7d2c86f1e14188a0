export type { LogErrorCode } from './errors.ts'
export { LogError } from './errors.ts'
export type { Appended, EncodedEntry, EntryDraft, Log, LogEntry, Place, SignedCheckpoint } from './log.ts'

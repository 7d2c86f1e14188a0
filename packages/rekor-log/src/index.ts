export { createDearReads, type DearReads } from './dear-reads.ts'
export { type EntryId, entryIdOf, entryIdPattern, parseEntryId } from './entries/entry-id.ts'
export { findEntries, findEntry, readEntriesFrom, readEntry } from './entries/read-entry.ts'
export { type ToldEntry, tellEntry } from './entries/tell-entry.ts'
export { RekorLogError, type RekorLogErrorCode } from './errors.ts'
export { auditPlainLog } from './maintenance/audit/audit-plain.ts'
export { auditRekor, type RekorAuditOptions } from './maintenance/audit/audit-rekor.ts'
export type { LogAudit } from './maintenance/audit/audit-shards.ts'
export { type BackedUp, backUpLog } from './maintenance/backup/back-up.ts'
export { signedHeads, storedHeads } from './maintenance/backup/newest-head.ts'
export {
  type CheckedBackup,
  readManifest,
  restoreBackup,
  verifyBackup,
} from './maintenance/backup/restore.ts'
export { changeMode, readMode } from './maintenance/change-mode.ts'
export {
  cancelFollowing,
  commitFollowing,
  type Followed,
  type PreparedLog,
  preparedFollowing,
  prepareFollowing,
} from './maintenance/follow.ts'
export { type FrozenLog, freeze } from './maintenance/freeze.ts'
export { openPreparedKey, type PreparedKey } from './maintenance/next-key.ts'
export { reindex } from './maintenance/reindex.ts'
export {
  cancelRollover,
  commitRollover,
  preparedRollover,
  prepareRollover,
  type RolledOver,
} from './maintenance/roll-over.ts'
export { openSearch, type SearchIndex } from './search/index.ts'
export type { Page, PageQuery } from './search/page.ts'
export { type Fact, type FactName, type SearchKey, searchKeyOf, unmarkedKind } from './search/search-key.ts'
export { encodeSearchKeys, searchKeysOfEntry } from './search/search-keys.ts'
export { isSearchedLog, numberInLine, type SearchedLog } from './search/store.ts'
export { openStoredSearch, type StoredSearch } from './search/stored-search.ts'
export { followInThread } from './search/thread.ts'
export { firstIndexAt } from './search/time.ts'
export { createTurns } from './search/turn.ts'
export { type NextKeyWatch, watchNextKey } from './shards/next-key-watch.ts'
export {
  findShard,
  openShard,
  type Placed,
  type Shard,
  type Shards,
  virtualIndexOf,
} from './shards/shard.ts'
export { fitForLog, openKeyNamed, openShardKey, type ShardKeys } from './shards/shard-keys.ts'
export { openShardSet, type ShardSet } from './shards/shard-set.ts'
export { isTreeId, originOf, parseOrigin, treeIdHex } from './shards/tree-id.ts'
export { readByShard, shardAt } from './shards/virtual-index.ts'
export { type LogPart, type LogParts, wholeLog } from './shards/whole-log.ts'
export { boundedSigner } from './signing/bounded-signer.ts'
export { keptHeads } from './signing/kept-heads.ts'
export type { CheckpointSource } from './signing/signed-heads.ts'

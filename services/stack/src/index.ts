export type { CeremonyFolder, ListedAuthority } from '@sigstack/ca'
export {
  commitRotation,
  installChain,
  listAuthorities,
  prepareRotation,
  requestCertificate,
  retireAuthority,
} from '@sigstack/ca'
export type {
  BackedUp,
  CheckedBackup,
  CheckpointSource,
  ModeOfLog,
  PreparedKey,
  Reindexed,
  RekorAudit,
  RolledOver,
} from '@sigstack/log'
export {
  auditRekor,
  backUpLog,
  changeMode,
  commitRollover,
  preparedRollover,
  prepareRollover,
  readManifest,
  readMode,
  reindex,
  restoreBackup,
  signedHeads,
  storedHeads,
  verifyBackup,
} from '@sigstack/log'
export { caFolderOf } from './ca-folder.ts'
export type { Config, Ports } from './config.ts'
export { readConfig } from './config.ts'
export type { ExplainOptions, Explanation } from './explain-token.ts'
export { explainTokenWithFiles } from './explain-token.ts'
export type { Endpoints, RunningStack, StackOptions } from './start-stack.ts'
export { startStack } from './start-stack.ts'

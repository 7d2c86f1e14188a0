export { allowAnyOrigin } from './any-origin.ts'
export {
  commonPaths,
  problem,
  problemSchema,
  readinessSchema,
} from './api-page/common-paths.ts'
export type { Answer, ApiDocument, Operation, Schema } from './api-page/document.ts'
export { apiDocumentPath, apiPagePath, serveApi } from './api-page/serve.ts'
export { openCheckThread } from './check-thread.ts'
export { type Cleanups, createCleanups } from './cleanups.ts'
export { tellOfDigestVerification } from './digest-verification.ts'
export { adviseOnVariables } from './environment/advise.ts'
export { hasDotSegment } from './environment/dot-segment.ts'
export { isSet } from './environment/is-set.ts'
export { readEnvironment } from './environment/read-environment.ts'
export { collectComplaints, SettingsError } from './environment/settings-error.ts'
export {
  type Environment,
  listOf,
  logLevelVariable,
  pathVariable,
  portVariable,
  secret,
  tokenVariable,
  urlVariable,
  variableNames,
} from './environment/variable.ts'
export { ServerError, type ServerErrorCode } from './errors.ts'
export { createFile, makeFolder, replaceFile } from './files.ts'
export type { Readiness } from './health.ts'
export { ignoreContentType } from './ignore-content-type.ts'
export { type InsideDoor, listen, urlOf } from './listen.ts'
export { createLogger, type Logger, type LogLevel, pathOf } from './logger.ts'
export { isLoopback, isWildcard } from './loopback.ts'
export { createRegistry, listenMetrics, type Registry } from './metrics.ts'
export { takesGzip, weightsOf } from './offers.ts'
export { type Doors, openDoors } from './open-doors.ts'
export { createPreparedAnswers, type PreparedAnswers } from './prepared/prepared-answers.ts'
export { PROBLEM_JSON, replyWithProblem, replyWithProblemOf } from './problem.ts'
export { boundReceiving } from './receiving.ts'
export { type Reloading, type ReloadOptions, reloadFromFiles } from './reload.ts'
export { runService, tellStop } from './run-service.ts'
export { readSecret } from './secret.ts'
export { SendingRefusal } from './sending.ts'
export { buildServer, type ServerOptions } from './server.ts'
export { startOrCleanUp } from './start-or-clean-up.ts'
export {
  followTls,
  readTlsFiles,
  type TlsFiles,
  type TlsIdentity,
  tlsFilesOf,
  tlsReload,
} from './tls-files.ts'

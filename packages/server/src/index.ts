export { type AnyOriginOptions, allowAnyOrigin } from './any-origin.ts'
export { ServerError, type ServerErrorCode } from './errors.ts'
export type { Readiness } from './health.ts'
export { type Listening, type ListenOptions, listen } from './listen.ts'
export {
  createLogger,
  describeRequest,
  type Logger,
  type LoggerOptions,
  type LogLevel,
  pathOf,
} from './logger.ts'
export { createRegistry, listenMetrics, type Registry } from './metrics.ts'
export { PROBLEM_JSON, replyWithNotFound, replyWithProblem, replyWithProblemOf } from './problem.ts'
export { type Reloading, type ReloadOptions, reloadFromFiles } from './reload.ts'
export { replaceFile } from './replace-file.ts'
export { type Running, type RunServiceOptions, runService } from './run-service.ts'
export { readSecret } from './secret.ts'
export { buildServer, type ServerOptions } from './server.ts'
export { readTlsFiles, type TlsFiles, type TlsIdentity, tlsReload } from './tls-files.ts'

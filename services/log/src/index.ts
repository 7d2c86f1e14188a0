export type { FaceConfig, LogConfig } from './config.ts'
export { readConfig } from './config.ts'
export type { RunningLog, StartLogOptions } from './start-log.ts'
export { startLog } from './start-log.ts'

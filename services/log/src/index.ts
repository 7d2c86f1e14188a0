export type { LogConfig } from './config.ts'
export { readConfig, variables } from './config.ts'
export type { RunningLog, ServedLog, StartLogOptions } from './start-log.ts'
export { startLog } from './start-log.ts'

export { type Config, readConfig, variables } from './config.ts'
export { type RunningMonitor, type StartOptions, startMonitor } from './start.ts'

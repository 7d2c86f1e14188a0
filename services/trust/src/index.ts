export type { Config } from './config.ts'
export { readConfig, variables } from './config.ts'
export { startTrust } from './start.ts'

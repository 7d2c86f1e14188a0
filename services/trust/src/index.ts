export { urlInLine } from './collection/line.ts'
export type { Config } from './config.ts'
export { readConfig, variables } from './config.ts'
export { startTrust } from './start.ts'

export { readConfig } from './config.ts'
export { assertOwnAddress } from './ports.ts'
export type { Endpoints, IdentitySources, RunningStack } from './start-stack.ts'
export { startStack } from './start-stack.ts'

export type { Config, Ports } from './config.ts'
export { readConfig } from './config.ts'
export type { Endpoints, RunningStack, StackOptions } from './start-stack.ts'
export { startStack } from './start-stack.ts'

export { buildApp } from './app.ts'
export { type Config, readConfig, variables } from './config.ts'
export { type RunningConsole, type StartOptions, startConsole } from './start.ts'

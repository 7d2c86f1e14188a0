export { type AppDependencies } from './app.ts'
export { type Config, readConfig, variables } from './config.ts'
export { startDevIssuer } from './start.ts'

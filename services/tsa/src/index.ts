export { buildApp } from './app.ts'
export { type Config, readConfig, variables } from './config.ts'
export { createMetrics } from './metrics.ts'
export { type RunningTsa, startTsa } from './start.ts'

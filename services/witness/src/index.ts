export { type Config, readConfig, variables } from './config.ts'
export { parseLogs } from './cosigning/logs-file.ts'
export { parseSubmission } from './cosigning/submission.ts'
export { type RunningWitness, type StartOptions, startWitness } from './start.ts'

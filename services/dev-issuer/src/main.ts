import { createLogger, runService } from '@sigstack/server'
import { readConfig } from './config.ts'
import { startDevIssuer } from './start.ts'

await runService(async () => {
  const config = readConfig(process.env)
  return startDevIssuer(config, { logger: createLogger({ name: 'dev-issuer', level: config.logLevel }) })
})

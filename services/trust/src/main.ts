import { createLogger, runService } from '@sigstack/server'
import { readConfig } from './config.ts'
import { startTrust } from './start.ts'

await runService(async () => {
  const config = readConfig(process.env)
  return startTrust(config, { logger: createLogger({ name: 'trust', level: config.logLevel }) })
})

import { createLogger, runService } from '@sigstack/server'
import { readConfig } from './config.ts'
import { startCa } from './start.ts'

await runService(async () => {
  const config = readConfig(process.env)
  return startCa(config, { logger: createLogger({ name: 'ca', level: config.logLevel }) })
})

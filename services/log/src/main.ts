/** The log as a process of its own. */
import { createLogger, readSecret, runService } from '@sigstack/server'
import { readConfig } from './config.ts'
import { startLog } from './start-log.ts'

await runService(async () => {
  const databaseUrl = readSecret(process.env, 'DATABASE_URL')
  const environment = databaseUrl === undefined ? process.env : { ...process.env, DATABASE_URL: databaseUrl }
  const config = readConfig(environment, readSecret(process.env, 'LOG_KEY_PASSWORD') ?? '')
  const logger = createLogger({ name: `log-${config.face.face}`, level: config.logLevel })
  return startLog(config, { logger })
})

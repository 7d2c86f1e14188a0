/** The log as a process of its own. */
import { createLogger, readSecret, runService } from '@sigstack/server'
import { readConfig } from './config.ts'
import { startLog } from './start-log.ts'

await runService(async () => {
  const config = readConfig(process.env, readSecret(process.env, 'LOG_KEY_PASSWORD') ?? '')
  const logger = createLogger({ name: `log-${config.face.face}`, level: config.logLevel })
  return startLog(config, { logger })
})

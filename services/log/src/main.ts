/** The log as a process of its own. */
import { createLogger, readSecret, runService } from '@sigstack/server'
import { readConfig } from './config.ts'
import { startLog } from './start-log.ts'

await runService(async () => {
  const environment = { ...process.env }
  for (const name of ['DATABASE_URL', 'REDIS_URL', 'LOG_EVENTS_SECRET', 'LOG_EVENTS_REDIS_URL']) {
    const secret = readSecret(process.env, name)
    if (secret !== undefined) environment[name] = secret
  }
  const config = readConfig(environment, readSecret(process.env, 'LOG_KEY_PASSWORD') ?? '')
  const logger = createLogger({ name: `log-${config.face.face}`, level: config.logLevel })
  return startLog(config, { logger })
})

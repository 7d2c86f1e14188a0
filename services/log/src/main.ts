/** The log as a process of its own. */
import { adviseOnVariables, createLogger, runService, tellStop } from '@sigstack/server'
import { readConfig, variables } from './config.ts'
import { startLog } from './start-log.ts'

await runService(async () => {
  const config = readConfig(process.env)
  const logger = createLogger({ name: `log-${config.face.face}`, level: config.logLevel })
  // CT_URL and CT_PUBLIC_KEY_FILE are the trust service's.
  const elsewhere = ['CT_URL', 'CT_PUBLIC_KEY_FILE']
  for (const advice of adviseOnVariables(process.env, {
    schemas: [variables],
    prefixes: ['LOG_', 'CT_'],
    elsewhere,
  }))
    logger.warn(advice)
  return tellStop(await startLog(config, { logger }), logger)
})

/** The timestamp authority as a process of its own. */
import { adviseOnVariables, createLogger, runService, tellStop } from '@sigstack/server'
import { readConfig, variables } from './config.ts'
import { startTsa } from './start.ts'

await runService(async () => {
  const config = readConfig(process.env)
  const logger = createLogger({ name: 'tsa', level: config.logLevel })
  for (const advice of adviseOnVariables(process.env, {
    schemas: [variables],
    prefixes: ['TSA_'],
    // The trust service's.
    elsewhere: ['TSA_URL', 'TSA_CERTIFICATES_FILE'],
  }))
    logger.warn(advice)
  return tellStop(await startTsa(config, { logger }), logger)
})

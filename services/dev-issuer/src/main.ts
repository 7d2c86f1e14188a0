import { adviseOnVariables, createLogger, runService, tellStop } from '@sigstack/server'
import { readConfig, variables } from './config.ts'
import { startDevIssuer } from './start.ts'

await runService(async () => {
  const config = readConfig(process.env)
  const logger = createLogger({ name: 'dev-issuer', level: config.logLevel })
  for (const advice of adviseOnVariables(process.env, { schemas: [variables], prefixes: ['DEV_ISSUER_'] }))
    logger.warn(advice)
  return tellStop(await startDevIssuer(config, { logger }), logger)
})

import { adviseOnVariables, createLogger, runService, tellStop } from '@sigstack/server'
import { readConfig, variables } from './config.ts'
import { startTrust } from './start.ts'

await runService(async () => {
  const config = readConfig(process.env)
  const logger = createLogger({ name: 'trust', level: config.logLevel })
  const advice = { schemas: [variables], prefixes: ['TRUST_', 'TUF_'] }
  for (const sentence of adviseOnVariables(process.env, { ...advice, elsewhere: ['TUF_ROOT'] }))
    logger.warn(sentence)
  return tellStop(await startTrust(config, { logger }), logger)
})

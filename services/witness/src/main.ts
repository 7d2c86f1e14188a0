/** The witness as a process of its own. */
import { adviseOnVariables, createLogger, runService, tellStop } from '@sigstack/server'
import { readConfig, variables } from './config.ts'
import { startWitness } from './start.ts'

await runService(async () => {
  const config = readConfig(process.env)
  const logger = createLogger({ name: 'witness', level: config.logLevel })
  for (const advice of adviseOnVariables(process.env, { schemas: [variables], prefixes: ['WITNESS_'] }))
    logger.warn(advice)
  return tellStop(await startWitness(config, { logger }), logger)
})

/** The console as a process of its own. */
import { adviseOnVariables, createLogger, runService, tellStop } from '@sigstack/server'
import { readConfig, variables } from './config.ts'
import { startConsole } from './start.ts'

export const runConsole = (): Promise<void> =>
  runService(async () => {
    const config = readConfig(process.env)
    const logger = createLogger({ name: 'console', level: config.logLevel })
    for (const advice of adviseOnVariables(process.env, { schemas: [variables], prefixes: ['CONSOLE_'] }))
      logger.warn(advice)
    return tellStop(await startConsole(config, { logger }), logger)
  })

/** The monitor as a process of its own. */
import { adviseOnVariables, createLogger, runService, tellStop } from '@sigstack/server'
import { readConfig, variables } from './config.ts'
import { startMonitor } from './start.ts'

export const runMonitor = (): Promise<void> =>
  runService(async () => {
    const config = readConfig(process.env)
    const logger = createLogger({ name: 'monitor', level: config.logLevel })
    for (const advice of adviseOnVariables(process.env, { schemas: [variables], prefixes: ['MONITOR_'] }))
      logger.warn(advice)
    return tellStop(await startMonitor(config, { logger }), logger)
  })

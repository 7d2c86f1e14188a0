/** The whole stack as one service, without the self-check and the advice that `sigstack up` adds. */
import { createLogger, runService } from '@sigstack/server'
import { readConfig } from './config.ts'
import { startStack } from './start-stack.ts'

await runService(async () => {
  const config = readConfig(process.env)
  const logger = createLogger({ name: 'stack', level: config.logLevel })
  const stack = await startStack(config, { logger, onProgress: (message) => logger.info(message) })
  logger.info({ endpoints: stack.endpoints.services, database: stack.database }, 'the stack is up')
  return stack
})

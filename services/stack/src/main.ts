/** The whole stack as one service, without the self-check and the advice that `sigstack up` adds. */
import { createLogger, runService, tellStop } from '@sigstack/server'
import { readConfig } from './config.ts'
import { assertOwnAddress } from './ports.ts'
import { startStack } from './start-stack.ts'

await runService(async (signal) => {
  await assertOwnAddress(process.env['SIGSTACK_HOST'])
  const config = readConfig(process.env)
  const logger = createLogger({ name: 'stack', level: config.logLevel })
  const stack = await startStack(config, { logger, onProgress: (message) => logger.info(message), signal })
  logger.info({ endpoints: stack.endpoints.services, database: stack.database }, 'the stack is up')
  return tellStop(stack, logger)
})

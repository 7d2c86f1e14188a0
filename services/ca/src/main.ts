import { adviseOnVariables, createLogger, runService, tellStop } from '@sigstack/server'
import { ctLogKeysOnFirstUse } from './adapters/ct-log-key.ts'
import { readConfig, readCtLogKeyUrls, variables } from './config.ts'
import { startCa } from './start.ts'

await runService(async (signal) => {
  const source = readCtLogKeyUrls(process.env)
  const config = readConfig(
    source === undefined
      ? process.env
      : {
          ...process.env,
          CA_CT_LOG_PUBLIC_KEY: await ctLogKeysOnFirstUse(source.urls, source.dataFolder, { signal }),
        },
  )
  const logger = createLogger({ name: 'ca', level: config.logLevel })
  for (const advice of adviseOnVariables(process.env, {
    schemas: [variables],
    prefixes: ['CA_'],
    // The trust service's.
    elsewhere: ['CA_URL', 'CA_CERTIFICATES_FILE'],
  }))
    logger.warn(advice)
  return tellStop(await startCa(config, { logger }), logger)
})

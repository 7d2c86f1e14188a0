import { createLogger, runService } from '@sigstack/server'
import { ctLogKeyOnFirstUse } from './adapters/ct-log-key.ts'
import { readConfig, readCtLogKeyUrl } from './config.ts'
import { startCa } from './start.ts'

await runService(async (signal) => {
  const source = readCtLogKeyUrl(process.env)
  const config = readConfig(
    source === undefined
      ? process.env
      : {
          ...process.env,
          CA_CT_LOG_PUBLIC_KEY: await ctLogKeyOnFirstUse(source.url, source.dataFolder, { signal }),
        },
  )
  return startCa(config, { logger: createLogger({ name: 'ca', level: config.logLevel }) })
})

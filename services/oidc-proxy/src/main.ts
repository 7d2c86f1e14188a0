import { createLogger, runService } from '@sigstack/server'
import { readConfig } from './config.ts'
import { startOidcProxy } from './start.ts'

await runService(async () => {
  const config = readConfig(process.env)
  return startOidcProxy(config, { logger: createLogger({ name: 'oidc-proxy', level: config.logLevel }) })
})

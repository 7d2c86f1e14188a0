import { adviseOnVariables, createLogger, runService, tellStop } from '@sigstack/server'
import { readConfig, variables } from './config.ts'
import { startOidcProxy } from './start.ts'

await runService(async () => {
  const config = readConfig(process.env)
  const logger = createLogger({ name: 'oidc-proxy', level: config.logLevel })
  // OIDC_PROXY_URL is the CA's.
  const advice = { schemas: [variables], prefixes: ['OIDC_'], elsewhere: ['OIDC_PROXY_URL'] }
  for (const sentence of adviseOnVariables(process.env, advice)) logger.warn(sentence)
  return tellStop(await startOidcProxy(config, { logger }), logger)
})

import { createRegistry, type Logger, listen } from '@sigstack/server'
import { buildApp } from './app.ts'
import type { Config } from './config.ts'
import type { TokenMaker } from './tokens/mint-token.ts'
import { openSigningKey, readSigningKey } from './tokens/signing-key.ts'

export type StartOptions = {
  readonly logger: Logger
  /** False where several services share one process. */
  readonly processMetrics?: boolean
}

export type RunningDevIssuer = {
  /** Where it listens; clients are told `issuer`. */
  readonly url: string
  readonly issuer: string
  /** For `mintToken`, in the same process. */
  readonly tokenMaker: TokenMaker
  stop(): Promise<void>
}

/** Refuses to start where nobody said that this is a trial. */
export async function startDevIssuer(config: Config, options: StartOptions): Promise<RunningDevIssuer> {
  const { issuer, keyPath, dataFolder, host, port } = config
  const { logger } = options
  if (!config.trial) {
    throw new Error('the trial issuer signs in anyone as anyone, so it starts only with SIGSTACK_TRIAL=1')
  }
  logger.warn('TRIAL ISSUER: ANYONE CAN SIGN IN AS ANYONE. NEVER LET A REAL CERTIFICATE AUTHORITY TRUST IT')
  const key = keyPath === undefined ? await openSigningKey(dataFolder) : await readSigningKey(keyPath)
  const metrics = createRegistry({ processMetrics: options.processMetrics ?? true })
  const app = buildApp({ logger, metrics, key, issuer, now: Date.now })
  const { url } = await listen(app, { host, port, portVariable: 'DEV_ISSUER_PORT' })
  return { url, issuer, tokenMaker: { key, issuer }, stop: () => app.close() }
}

import { buildServer, type Logger, type Registry } from '@sigstack/server'
import type { FastifyInstance } from 'fastify'
import { countTrialTokens } from './metrics.ts'
import { pageHeaders } from './pages/page.ts'
import { welcomePage } from './pages/pages.ts'
import { createProvider } from './provider/create-provider.ts'
import { acceptForms } from './routes/forms.ts'
import { interactionRoutes } from './routes/interaction.ts'
import { providerRoutes } from './routes/provider.ts'
import { trialTokenRoutes } from './routes/trial-token.ts'
import type { SigningKey } from './tokens/signing-key.ts'

export type AppDependencies = {
  readonly logger: Logger
  readonly metrics: Registry
  readonly key: SigningKey
  /** Exactly what tokens and the discovery document say; its path, if any, is where everything is mounted. */
  readonly issuer: string
  readonly now: () => number
}

export function buildApp({ logger, metrics, key, issuer, now }: AppDependencies): FastifyInstance {
  const app = buildServer({ name: 'dev-issuer', logger, metrics, bodyLimitBytes: 48 * 1024 })
  const mount = new URL(issuer).pathname.replace(/\/$/, '')
  const provider = createProvider({ issuer, mount, key, logger, now })
  acceptForms(app)
  app.get(mount === '' ? '/' : mount, async (_request, reply) =>
    reply.headers(pageHeaders).send(welcomePage(issuer)),
  )
  app.register(providerRoutes, { provider, issuer: new URL(issuer), mount })
  app.register(interactionRoutes, { provider, mount })
  app.register(trialTokenRoutes, {
    maker: { key, issuer },
    mount,
    now: () => new Date(now()),
    onToken: countTrialTokens(metrics),
  })
  return app
}

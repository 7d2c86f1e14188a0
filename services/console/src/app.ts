import { escaped, reasonOf } from '@sigstack/crypto'
import { trustedProxies } from '@sigstack/limits/addresses'
import {
  buildServer,
  type Logger,
  type Readiness,
  type Registry,
  replyWithProblem,
  type TlsIdentity,
} from '@sigstack/server'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Config } from './config.ts'
import { addConsistencyRoutes } from './consistency/routes.ts'
import { type ContextParts, createContext } from './context.ts'
import { addEntryRoutes } from './entry/routes.ts'
import { addHealthRoutes } from './health/routes.ts'
import { assetRoutes } from './html/assets.ts'
import { takeForms } from './html/form.ts'
import { html } from './html/html.ts'
import { securityHeaders } from './html/send.ts'
import { addLogRoutes } from './log/routes.ts'
import type { Tail } from './log/tail.ts'
import { type Reader, readerOf } from './reader.ts'
import { addSearchRoutes } from './search/routes.ts'
import { signInPath } from './sign-in/page.ts'
import { addSignInRoutes, isOfSignIn } from './sign-in/routes.ts'
import type { SignIn } from './sign-in/sign-in.ts'
import { SourceError, type SourceErrorCode } from './sources/errors.ts'
import type { Monitor } from './sources/monitor.ts'
import { addTreeRoutes } from './tree/routes.ts'
import { addTrustRoutes } from './trust/routes.ts'
import { addVerifyRoutes } from './verify/routes.ts'
import { addWatchRoutes } from './watch/routes.ts'

export type AppDependencies = ContextParts & {
  readonly access: Pick<Config, 'access' | 'hidesAddresses' | 'host' | 'trustedProxies'>
  /** Undefined: there is no watch room. */
  readonly monitor?: Monitor
  /** Undefined: nobody signs in here. */
  readonly signIn?: SignIn
  readonly logger: Logger | false
  readonly registry: Registry
  readonly tail: Tail
  readonly readiness?: () => Promise<Readiness>
  /** Serve `/metrics` beside the pages; false where it has a port of its own. */
  readonly metricsRoute?: boolean
  readonly tls?: TlsIdentity
}

/** Asked by machines beside the console, which nobody vouches for. */
const forEverybody = new Set(['/healthz', '/readyz', '/metrics'])

/** The pages, listening nowhere yet. */
export function buildApp(dependencies: AppDependencies): FastifyInstance {
  const {
    access,
    logger,
    registry,
    tail,
    readiness,
    metricsRoute = true,
    tls,
    monitor,
    signIn,
    ...parts
  } = dependencies
  const proxies = access.trustedProxies && trustedProxies(access.trustedProxies)
  const readerNow = (request: FastifyRequest): Reader | undefined =>
    readerOf(request, access, {
      isTrusted: (address) => proxies?.(address) ?? false,
      sessionOf: (cookies) => signIn?.sessions.of(cookies),
    })
  const readers = new WeakMap<FastifyRequest, Reader>()
  const context = createContext(parts, readers, readerNow)

  const app = buildServer({
    name: 'console',
    logger,
    metrics: registry,
    metricsRoute,
    bodyLimitBytes: 65_536,
    errorHandler: (error, request, reply) => sendFault(error, request, reply),
    notFoundHandler: (request, reply) =>
      context.sendNothing(request, reply, 'There is nothing at this address.'),
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 200 },
    ...(readiness !== undefined && { readiness }),
    ...(proxies !== undefined && { trustProxy: proxies }),
    ...(tls !== undefined && { tls }),
  })
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(securityHeaders)
    const reader = readerNow(request)
    const route = request.routeOptions.url ?? ''
    if (reader !== undefined) readers.set(request, reader)
    else if (!forEverybody.has(route) && !(signIn !== undefined && isOfSignIn(route))) {
      sendAway(request, reply)
      return
    }
    done()
  })
  takeForms(app)
  app.register(assetRoutes)
  addSearchRoutes(app, context)
  addEntryRoutes(app, context)
  addTreeRoutes(app, context)
  addLogRoutes(app, context, tail)
  addConsistencyRoutes(app, context)
  addTrustRoutes(app, context)
  addVerifyRoutes(app, context)
  addHealthRoutes(app, context)
  if (monitor !== undefined) addWatchRoutes(app, context, monitor)
  if (signIn !== undefined) addSignInRoutes(app, context, signIn)
  app.addHook('preClose', async () => tail.stop())
  return app

  /** A person is shown where to sign in; a program is told. */
  function sendAway(request: FastifyRequest, reply: FastifyReply): void {
    const isPerson = request.method === 'GET' && request.headers.accept?.includes('text/html') === true
    if (signIn !== undefined && isPerson) reply.redirect(signIn.publicUrl + signInPath(request.url), 303)
    else if (signIn !== undefined) replyWithProblem(reply, 401, 'nobody is signed in by this request')
    else replyWithProblem(reply, 401, 'who reads here is named by a proxy, and this request names nobody')
  }

  function sendFault(error: unknown, request: FastifyRequest, reply: FastifyReply): unknown {
    const status = statusOf(error)
    const isOurs = status === 500
    if (isOurs) request.log.error({ req: request, status, err: error }, 'request failed')
    else request.log.info({ req: request, status, reason: reasonOf(error) }, 'request refused')
    if (error instanceof SourceError && error.retryAfterSeconds !== undefined)
      reply.header('retry-after', String(error.retryAfterSeconds))
    const why = isOurs ? 'Something went wrong here. It was logged.' : sentence(reasonOf(error))
    if (context.wantsJson(request)) return replyWithProblem(reply, status, why)
    const title =
      status === 403
        ? 'This is not open to you'
        : status >= 500 || status === 429
          ? 'This cannot be shown now'
          : 'This cannot be asked'
    const body = html`<h1>${title}</h1><p class="warning">${why}</p><p><a href="/health">How the services are</a></p>`
    return context.sendPage(request, reply, { title, body }, status)
  }
}

const statuses = { unavailable: 503, refused: 400, malformed: 502, too_many: 429 } satisfies Record<
  SourceErrorCode,
  number
>

function statusOf(error: unknown): number {
  if (error instanceof SourceError) return statuses[error.code]
  const { statusCode } = (error ?? {}) as { readonly statusCode?: unknown }
  return typeof statusCode === 'number' && statusCode >= 400 && statusCode <= 599 ? statusCode : 500
}

function sentence(reason: string): string {
  const text = escaped(reason, 400)
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?…]$/.test(text) ? '' : '.'}`
}

import type { Turnstile } from '@sigstack/limits/turnstile'
import {
  allowAnyOrigin,
  buildServer,
  type Logger,
  type Readiness,
  type ServerOptions,
  serveApi,
  type TlsIdentity,
} from '@sigstack/server'
import { createCallMetrics } from '@sigstack/server/grpc'
import type { Certificate } from '@sigstack/x509'
import type { FastifyInstance } from 'fastify'
import { createAudit } from './audit.ts'
import { measureHttpCalls } from './fulcio/grpc/http-calls.ts'
import { grpcFace } from './fulcio/grpc/plugin.ts'
import { openApi } from './fulcio/http/openapi.ts'
import { httpFace } from './fulcio/http/plugin.ts'
import { replyWithFulcioError, replyWithNotFound } from './fulcio/http/replies.ts'
import { formerPages, routes } from './fulcio/http/routes.ts'
import { createAdmit, createIssueFor } from './fulcio/issue-for.ts'
import type { IssuerEntry } from './identity/identity.ts'
import type { IssuanceDependencies } from './issuance/dependencies.ts'
import { createIssueCertificate } from './issuance/issue-certificate.ts'
import { type CaMetrics, measureRequests } from './metrics.ts'
import type { Tracing } from './tracing.ts'
import { createTurns } from './turns.ts'

export type AppDependencies = {
  readonly issuance: IssuanceDependencies
  /** Those that are accepted now. */
  readonly issuers: () => readonly IssuerEntry[]
  /** Served beside the chain of the CA itself. */
  readonly trustedChains?: () => readonly (readonly Certificate[])[]
  readonly metrics: CaMetrics
  readonly logger: Logger | false
  readonly readiness?: () => Promise<Readiness>
  /** Serve `/metrics` beside the API; false where it has a port of its own. */
  readonly metricsRoute?: boolean
  /** Serves HTTPS, and gRPC beside it. */
  readonly tls?: TlsIdentity
  readonly tracing?: Pick<Tracing, 'traceRequest'>
  /** How many are issued at once, and who waits. */
  readonly turnstile?: Turnstile
  readonly trustProxy?: NonNullable<ServerOptions['trustProxy']>
}

/** The CA's HTTP face, listening nowhere yet. */
export function buildApp(dependencies: AppDependencies): FastifyInstance {
  const { issuance, issuers, metrics, logger, readiness, trustProxy, tls } = dependencies
  const app = buildServer({
    name: 'ca',
    logger,
    healthz: false,
    requestTimeoutMs: 60_000,
    rewriteUrl: ({ url }) => tolerantPath(url ?? '/'),
    errorHandler: replyWithFulcioError,
    notFoundHandler: replyWithNotFound,
    ...(readiness === undefined ? {} : { readiness }),
    ...(trustProxy === undefined ? {} : { trustProxy }),
    ...(tls === undefined ? {} : { tls }),
  })
  measureRequests(app, metrics.registry)
  const calls = createCallMetrics(metrics.registry)
  measureHttpCalls(app, calls, routes)
  // Web pages put the token into the body of v2: Authorization is not among the headers they may send.
  allowAnyOrigin(app, {
    methods: ['GET', 'POST', 'HEAD'],
    headers: ['Accept', 'Content-Type', 'X-Requested-With'],
  })
  if (dependencies.metricsRoute !== false)
    app.get('/metrics', { logLevel: 'silent' }, async (_request, reply) =>
      reply.header('content-type', metrics.registry.contentType).send(await metrics.registry.metrics()),
    )
  const chains = () => [issuance.authority().chain, ...(dependencies.trustedChains?.() ?? [])]
  const audit = createAudit(metrics)
  const { turnstile = createTurns(), tracing } = dependencies
  const issueCertificate = createIssueCertificate(issuance)
  const issue = createIssueFor({ issueCertificate, turnstile, audit, tracing })
  const admit = createAdmit(issuance.limits, turnstile, audit)
  const face = { issue, admit, chains, issuers }
  app.register(httpFace, face)
  serveApi(app, openApi, formerPages)
  if (tls !== undefined) app.register(grpcFace, { ...face, calls })
  return app
}

/** Clients that join a base URL with a slash at its end to a path send two; a path that cannot be decoded is no path of ours. */
function tolerantPath(url: string): string {
  const query = url.indexOf('?')
  const path = query < 0 ? url : url.slice(0, query)
  try {
    decodeURIComponent(path)
  } catch {
    return '/undecodable'
  }
  return path.includes('//') ? path.replaceAll(/\/{2,}/g, '/') + (query < 0 ? '' : url.slice(query)) : url
}

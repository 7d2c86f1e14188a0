import type { FastifyInstance } from 'fastify'

/** `checks` says of each thing that the service needs how it is, in a word or a short sentence without secrets. */
export type Readiness = { readonly ready: boolean; readonly checks: Readonly<Record<string, string>> }

const READINESS_LIMIT_MS = 5_000

/** The process lives: nothing is asked, so that a slow database never gets a process killed. */
export function answerHealth(app: FastifyInstance): void {
  app.get('/healthz', { logLevel: 'silent' }, async () => ({ status: 'ok' }))
}

/** The service can serve: 200, or 503 with the reasons. A check that hangs or throws counts as not ready. */
export function answerReadiness(app: FastifyInstance, readiness: () => Promise<Readiness>): void {
  app.get('/readyz', { logLevel: 'silent' }, async (_request, reply) => {
    const { ready, checks } = await withinLimit(readiness)
    return reply.code(ready ? 200 : 503).send({ status: ready ? 'ready' : 'not ready', checks })
  })
}

async function withinLimit(readiness: () => Promise<Readiness>): Promise<Readiness> {
  const failed = (reason: string): Readiness => ({ ready: false, checks: { readiness: reason } })
  const { promise, resolve } = Promise.withResolvers<Readiness>()
  const timer = setTimeout(() => resolve(failed('the checks take too long')), READINESS_LIMIT_MS)
  try {
    return await Promise.race([readiness().catch(() => failed('the checks failed')), promise])
  } finally {
    clearTimeout(timer)
  }
}

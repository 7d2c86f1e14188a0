import type { FastifyInstance } from 'fastify'
import type { Context } from '../context.ts'
import { html } from '../html/html.ts'
import { createCached } from '../sources/cached.ts'
import { readIssuers } from './issuers.ts'
import { healthPart, issuersPart } from './page.ts'
import { probeServices } from './probe.ts'

const freshMs = 5_000
const staleMs = 15_000

export function addHealthRoutes(app: FastifyInstance, context: Context): void {
  const { urls, now } = context
  const health = createCached(() => probeServices(urls), { freshMs, staleMs, now })

  app.get('/health', async (request, reply) => {
    const { value = [], atMs = now() } = await health.current()
    const reader = context.readerOf(request)
    const ageSeconds = Math.round((now() - atMs) / 1000)
    if (context.wantsJson(request)) {
      const services = value.map(({ service, state }) => ({ service, state }))
      return reply.send({ ageSeconds, services: reader.seesDetails ? value : services })
    }
    const body = healthPart(value, ageSeconds, reader)
    return context.sendPage(request, reply, { title: 'How the services are', room: 'health', body })
  })

  app.get('/issuers', async (request, reply) => {
    const title = 'Whose tokens are taken'
    if (urls.ca === undefined) {
      const body = html`<h1>${title}</h1><p>This console is told of no certificate authority.</p>`
      return context.sendPage(request, reply, { title, room: 'issuers', body })
    }
    const issuers = await readIssuers(urls)
    return context.sendPage(request, reply, { title, room: 'issuers', body: issuersPart(issuers) })
  })
}

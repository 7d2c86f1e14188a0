import type { FastifyInstance } from 'fastify'
import type { Context } from '../context.ts'
import { html } from '../html/html.ts'
import { sendDownload } from '../html/send.ts'
import { findDrift } from './drift.ts'
import { describeRoot } from './keys.ts'
import { trustPart } from './page.ts'
import { readRepository } from './repository.ts'

export function addTrustRoutes(app: FastifyInstance, context: Context): void {
  const { trust, urls, now } = context

  app.get('/trust', async (request, reply) => {
    const { value: current, fault } = await trust.current()
    const title = 'What is trusted'
    if (current === undefined) {
      const body = html`<h1>${title}</h1><p class="warning">There is no trusted root here: ${fault}</p>`
      return context.sendPage(request, reply, { title, room: 'trust', body }, 503)
    }
    const time = new Date(now())
    const [drift, repository] = await Promise.all([
      findDrift(urls, current.root),
      urls.trust === undefined ? undefined : readRepository(urls.trust).catch(() => undefined),
    ])
    const keys = describeRoot(current.root, time)
    const body = trustPart({ trust: current, fault, keys, drift, repository, now: time })
    return context.sendPage(request, reply, { title, room: 'trust', body })
  })

  app.get('/trust/trusted_root.json', async (request, reply) => {
    const { value: current, fault } = await trust.current()
    return current === undefined
      ? context.sendNothing(request, reply, `There is no trusted root here: ${fault}`)
      : sendDownload(reply, 'trusted_root.json', current.text)
  })
}

/** The tail of a log as a page, and as it comes. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Context } from '../context.ts'
import { html } from '../html/html.ts'
import { hidden } from '../reader.ts'
import { entryTable } from '../search/page.ts'
import { createShared } from '../sources/cached.ts'
import { logNames } from './names.ts'
import type { LogName } from './newest.ts'
import type { Tail } from './tail.ts'

const pageLength = 50

export function addTailRoutes(app: FastifyInstance, context: Context, tail: Tail): void {
  const { newest, now } = context
  const shown = new Map([...newest].map(([name, look]) => [name, createShared(() => look(pageLength), now)]))
  const names = [...newest.keys()]

  /** Where none is named, the first. */
  function asked(request: FastifyRequest): LogName | undefined {
    const { log } = request.query as { readonly log?: unknown }
    return log === undefined ? names[0] : names.find((name) => name === log)
  }
  const none = 'This console shows no such log.'

  app.get('/log/tail', async (request, reply) => {
    const log = asked(request)
    if (log === undefined) return context.sendNothing(request, reply, none)
    const entries = (await shown.get(log)?.()) ?? []
    const visible = context.readerOf(request).hidesAddresses ? hidden(entries) : entries
    const others = names.filter((name) => name !== log)
    return context.sendPage(request, reply, {
      title: `Entries as they come: ${logNames[log]}`,
      room: 'log',
      body: html`<h1>Entries as they come: ${logNames[log]}</h1>
${
  others.length > 0 &&
  html`<p>Of another log: ${others.map((name, at) => html`${at > 0 && ' · '}<a href="/log/tail?log=${name}">${logNames[name]}</a>`)}</p>
`
}<p id="tail-state" role="status">These are the newest; load the page again for newer ones.</p>
<p><button type="button" id="tail-pause" hidden>Pause</button></p>
${entryTable(visible, 'Newest entries', 'entries')}`,
      scripts: ['tail.js'],
    })
  })

  app.get('/log/events', async (request, reply) => {
    const log = asked(request)
    if (log === undefined) return reply.code(404).send({ status: 404, detail: none })
    const last = lastSeen(request)
    const { raw } = reply
    const stop = tail.open({
      log,
      address: request.ip,
      hidesAddresses: context.readerOf(request).hidesAddresses,
      mayRead: () => context.mayStillRead(request),
      ...(last !== undefined && { lastIndex: last }),
      write: (bytes) => {
        if (!raw.headersSent) begin()
        raw.write(bytes)
      },
      waiting: () => raw.writableLength,
      cut: () => raw.destroy(),
    })
    if (stop === undefined) {
      reply.code(503).header('retry-after', '30')
      return { status: 503, detail: 'too many tails are open; load the page again from time to time' }
    }
    raw.on('close', stop)
    return reply

    function begin(): void {
      reply.hijack()
      const headers = Object.entries(reply.getHeaders()).filter(([, value]) => value !== undefined)
      raw.writeHead(200, {
        ...(Object.fromEntries(headers) as Record<string, string>),
        'content-type': 'text/event-stream',
        'cache-control': 'no-store',
      })
    }
  })
}

/** What was seen of the log: at first the newest entry of the page, and of who comes again what was told last. */
function lastSeen({ headers, query }: FastifyRequest): bigint | undefined {
  const { after } = query as { readonly after?: unknown }
  const last = headers['last-event-id'] ?? after
  return typeof last === 'string' && /^\d{1,18}$/.test(last) ? BigInt(last) : undefined
}

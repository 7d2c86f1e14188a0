/** The watch room: alarms of the monitor, watches, and the logs that it follows. Where no monitor is told of there is none. */
import { type Act, type AlarmState, alarmStates, severities } from '@sigstack/monitor-api'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Context } from '../context.ts'
import { csvOf } from '../html/csv.ts'
import { formIn } from '../html/form.ts'
import { html } from '../html/html.ts'
import { sendText } from '../html/send.ts'
import { SourceError } from '../sources/errors.ts'
import type { Alarm, FollowedLog, Monitor, Watch } from '../sources/monitor.ts'
import { assertMayEnter } from './access.ts'
import { alarmPage, alarmTable, type Names } from './alarm-parts.ts'
import { definitionOf, emptyForm } from './definition.ts'
import { entryLinks } from './entry-links.ts'
import { roomPart } from './room.ts'
import { alarmRows, logRows, watchRows } from './tables.ts'

const title = 'What is watched'

type One = { readonly Params: { readonly id: string } }

export function addWatchRoutes(app: FastifyInstance, context: Context, monitor: Monitor): void {
  app.register(async (room) => {
    room.addHook('onRequest', async (request, reply) => {
      // Where a browser tells less of where a form comes from, it tells it of the site itself alone.
      reply.header('referrer-policy', 'same-origin').header('cache-control', 'no-store')
      assertMayEnter(request, context.readerOf(request))
    })
    addPages(room, context, monitor)
    addTables(room, monitor)
    addActs(room, context, monitor)
  })
}

function addPages(app: FastifyInstance, context: Context, monitor: Monitor): void {
  app.get('/watch', (request, reply) => sendRoom(request, reply, context, monitor, { form: emptyForm() }))

  app.get('/watch/alarms', async (request, reply) => {
    const { state } = askedOf(request)
    const [{ alarms, next }, names] = await Promise.all([
      alarmsAsked(request, monitor),
      readNames(context, monitor),
    ])
    const here = `/watch/alarms${state === undefined ? '?' : `?state=${state}&`}`
    const body = html`<h1>${state === undefined ? 'All alarms' : `Alarms that are ${state}`}</h1>
<p><a href="/watch/alarms">All</a>${alarmStates.map((each) => html` · <a href="/watch/alarms?state=${each}">${each}</a>`)}</p>
${alarms.length === 0 ? html`<p class="empty">There is none.</p>` : alarmTable(alarms, names)}
${next !== undefined && html`<nav class="pager" aria-label="Pages"><a rel="next" href="${`${here}cursor=${encodeURIComponent(next)}`}">Older ones</a></nav>`}`
    const query = request.url.includes('?') ? request.url.slice(request.url.indexOf('?')) : ''
    const others = ['JSON', 'CSV'].map((name) => ({
      name,
      href: `/watch/alarms.${name.toLowerCase()}${query}`,
    }))
    return context.sendPage(request, reply, { title: 'Alarms', room: 'watch', body, others })
  })

  app.get<One>('/watch/alarms/:id(^[1-9]\\d{0,18}$)', async (request, reply) => {
    const alarm = await monitor.alarm(request.params.id)
    if (alarm === undefined) return context.sendNothing(request, reply, 'There is no such alarm.')
    if (context.wantsJson(request)) return reply.send(alarm)
    const body = alarmPage(alarm, await readNames(context, monitor))
    return context.sendPage(request, reply, { title: 'An alarm', room: 'watch', body })
  })
}

function addTables(app: FastifyInstance, monitor: Monitor): void {
  const csv = (
    request: FastifyRequest,
    reply: FastifyReply,
    name: string,
    rows: Parameters<typeof csvOf>[0],
  ) => {
    reply.header('content-disposition', `attachment; filename="${name}.csv"`)
    return sendText(request, reply, 'text/csv; charset=utf-8', csvOf(rows))
  }
  app.get('/watch/alarms.json', (request) => alarmsAsked(request, monitor))
  app.get('/watch/alarms.csv', async (request, reply) =>
    csv(request, reply, 'alarms', alarmRows((await alarmsAsked(request, monitor)).alarms)),
  )
  app.get('/watch/watches.json', (request) => monitor.watches(askedOf(request).cursor))
  app.get('/watch/watches.csv', async (request, reply) =>
    csv(request, reply, 'watches', watchRows((await monitor.watches(askedOf(request).cursor)).watches)),
  )
  app.get('/watch/logs.json', async () => ({ logs: await monitor.logs() }))
  app.get('/watch/logs.csv', async (request, reply) =>
    csv(request, reply, 'logs', logRows(await monitor.logs())),
  )
}

function addActs(app: FastifyInstance, context: Context, monitor: Monitor): void {
  const byOf = (request: FastifyRequest) => context.readerOf(request).name?.slice(0, 200) ?? 'console'

  app.post<{ readonly Params: { readonly id: string; readonly act: Act } }>(
    '/watch/alarms/:id(^[1-9]\\d{0,18}$)/:act(^(?:acknowledge|close|reopen)$)',
    async (request, reply) => {
      const { id, act } = request.params
      const note = (formIn(request).get('note') ?? '').trim()
      const alarm = await monitor.act(id, act, { by: byOf(request), note })
      if (alarm === undefined) return context.sendNothing(request, reply, 'There is no such alarm.')
      return reply.redirect(`/watch/alarms/${id}`, 303)
    },
  )

  app.post('/watch/watches', async (request, reply) => {
    const form = formIn(request)
    try {
      await monitor.addWatch({ ...definitionOf(form), by: byOf(request) })
    } catch (error) {
      if (!(error instanceof SourceError) || error.code !== 'refused') throw error
      return sendRoom(request, reply, context, monitor, { form, fault: error.message })
    }
    return reply.redirect('/watch#watches', 303)
  })

  app.post<One>('/watch/watches/:id(^[1-9]\\d{0,18}$)/remove', async (request, reply) => {
    if (!(await monitor.removeWatch(request.params.id)))
      return context.sendNothing(request, reply, 'There is no such watch.')
    return reply.redirect('/watch#watches', 303)
  })
}

async function sendRoom(
  request: FastifyRequest,
  reply: FastifyReply,
  context: Context,
  monitor: Monitor,
  filled: { readonly form: URLSearchParams; readonly fault?: string },
): Promise<FastifyReply> {
  const { watches: cursor } = request.query as Readonly<Record<string, unknown>>
  const [told, { watches, next }, logs] = await Promise.all([
    monitor.alarms(['open', 'acknowledged']),
    monitor.watches(typeof cursor === 'string' ? cursor.slice(0, 64) : undefined),
    monitor.logs(),
  ])
  const alarms = told.alarms.toSorted((one, other) => rankOf(one) - rankOf(other))
  const names = namesIn(context, logs, watches)
  const hasMoreAlarms = told.next !== undefined
  const body = roomPart({ alarms, hasMoreAlarms, watches, nextWatches: next, logs, names, ...filled })
  return context.sendPage(
    request,
    reply,
    { title, room: 'watch', body },
    filled.fault === undefined ? 200 : 400,
  )
}

function rankOf({ severity }: Alarm): number {
  const rank = severities.findIndex((each) => each === severity)
  return rank < 0 ? severities.length : rank
}

async function readNames(context: Context, monitor: Monitor): Promise<Names> {
  const [logs, { watches }] = await Promise.all([monitor.logs(), monitor.watches()])
  return namesIn(context, logs, watches)
}

function namesIn({ urls }: Context, logs: readonly FollowedLog[], watches: readonly Watch[]): Names {
  const named = (rows: readonly { readonly id: string; readonly name: string }[]) =>
    new Map(rows.map(({ id, name }) => [id, name]))
  return { logs: named(logs), watches: named(watches), entry: entryLinks(logs, urls) }
}

function alarmsAsked(request: FastifyRequest, monitor: Monitor): ReturnType<Monitor['alarms']> {
  const { state, cursor } = askedOf(request)
  return monitor.alarms(state === undefined ? alarmStates : [state], cursor)
}

function askedOf({ query }: FastifyRequest): { readonly state?: AlarmState; readonly cursor?: string } {
  const { state: wanted, cursor } = query as Readonly<Record<string, unknown>>
  const state = alarmStates.find((each) => each === wanted)
  return {
    ...(state !== undefined && { state }),
    ...(typeof cursor === 'string' && { cursor: cursor.slice(0, 64) }),
  }
}

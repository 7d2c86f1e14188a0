/** Alarms: what is wrong, and what people do about it. */
import { isObject, quoted } from '@sigstack/crypto'
import { acts, alarmKinds, alarmStates } from '@sigstack/monitor-api'
import type { Pool } from '@sigstack/postgres'
import type { FastifyPluginCallback } from 'fastify'
import { actOnAlarm, listAlarms, readAlarm } from '../alarms/alarm-store.ts'
import { alarmAnswer } from '../answers.ts'
import { MonitorError } from '../errors.ts'
import { parseId, parsePage } from '../page.ts'
import { atomFeed } from '../telling/atom.ts'
import { parseBy, parseNote, type Query, textOf, wordsOf } from './request.ts'

export const alarmRoutes: FastifyPluginCallback<{ readonly pool: Pool }> = (app, { pool }, done) => {
  app.get<Query>('/alarms', async ({ query }) => {
    const page = parsePage({ limit: textOf(query, 'limit'), cursor: textOf(query, 'cursor') })
    const [log, watch] = [textOf(query, 'log'), textOf(query, 'watch')]
    const { rows, next } = await listAlarms(pool, page, {
      states: wordsOf(query, 'state', alarmStates),
      kinds: wordsOf(query, 'kind', alarmKinds),
      treeId: log === undefined ? undefined : parseId(log, 'log'),
      watchId: watch === undefined ? undefined : parseId(watch, 'watch'),
    })
    return { alarms: rows.map(alarmAnswer), ...(next !== undefined && { next }) }
  })

  app.get('/alarms.atom', async (request, reply) => {
    const { rows } = await listAlarms(pool, parsePage({}))
    const url = `${request.protocol}://${request.host}/api/v1/alarms.atom`
    return reply.type('application/atom+xml; charset=utf-8').send(atomFeed(rows, url, new Date()))
  })

  app.get<{ Params: { id: string } }>('/alarms/:id', async ({ params }) =>
    alarmAnswer(await readAlarm(pool, idOf(params.id))),
  )

  for (const act of acts)
    app.post<{ Params: { id: string } }>(`/alarms/:id/${act}`, async ({ params, body }) => {
      const id = idOf(params.id)
      await actOnAlarm(pool, id, { act, ...parseAct(body) })
      return alarmAnswer(await readAlarm(pool, id))
    })
  done()
}

function parseAct(body: unknown): { readonly by: string; readonly note: string } {
  if (body === undefined || body === null) return { by: parseBy(undefined), note: '' }
  const { by, note, ...others } = isObject(body) ? body : { by: 0, note: 0 }
  const [unknown] = Object.keys(others)
  if (unknown !== undefined)
    throw new MonitorError('malformed', `an act has no member ${quoted(unknown, 50)}`)
  return { by: parseBy(by), note: parseNote(note) }
}

function idOf(text: string): bigint {
  return parseId(text, 'the number of an alarm')
}

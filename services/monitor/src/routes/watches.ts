/** Watches and what they have found. */
import { isObject } from '@sigstack/crypto'
import type { Pool } from '@sigstack/postgres'
import type { FastifyPluginCallback } from 'fastify'
import { findingAnswer, watchAnswer } from '../answers.ts'
import { parseId, parsePage } from '../page.ts'
import { parseWatch } from '../watching/watch.ts'
import {
  addWatch,
  listFindings,
  listWatches,
  readWatch,
  removeWatch,
  replaceWatch,
} from '../watching/watch-store.ts'
import { parseBy, type Query, textOf } from './request.ts'

type One = { Params: { id: string } }

export const watchRoutes: FastifyPluginCallback<{ readonly pool: Pool }> = (app, { pool }, done) => {
  app.get<Query>('/watches', async ({ query }) => {
    const { rows, next } = await listWatches(pool, parsePage(pageTexts(query)))
    return { watches: rows.map(watchAnswer), ...(next !== undefined && { next }) }
  })

  app.post('/watches', async ({ body }, reply) => {
    const { by, ...definition } = isObject(body) ? body : { by: undefined }
    const id = await addWatch(pool, parseWatch(definition), parseBy(by))
    return reply.code(201).send(watchAnswer(await readWatch(pool, id)))
  })

  app.get<One>('/watches/:id', async ({ params }) => watchAnswer(await readWatch(pool, idOf(params))))

  app.put<One>('/watches/:id', async ({ params, body }) => {
    await replaceWatch(pool, idOf(params), parseWatch(body))
    return watchAnswer(await readWatch(pool, idOf(params)))
  })

  app.delete<One>('/watches/:id', async ({ params }, reply) => {
    await removeWatch(pool, idOf(params))
    return reply.code(204).send()
  })

  app.get<Query>('/findings', async ({ query }) => {
    const watch = textOf(query, 'watch')
    const watchId = watch === undefined ? undefined : parseId(watch, 'watch')
    const { rows, next } = await listFindings(pool, parsePage(pageTexts(query)), watchId)
    return { findings: rows.map(findingAnswer), ...(next !== undefined && { next }) }
  })
  done()
}

function idOf({ id }: One['Params']): bigint {
  return parseId(id, 'the number of a watch')
}

function pageTexts(query: Query['Querystring']) {
  return { limit: textOf(query, 'limit'), cursor: textOf(query, 'cursor') }
}

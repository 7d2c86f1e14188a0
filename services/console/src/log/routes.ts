/** The logs: how large, how fast they grow, who signed their heads. */
import { reasonOf } from '@sigstack/crypto'
import type { FastifyInstance } from 'fastify'
import type { Context } from '../context.ts'
import { quantileOf, readMetrics, sumOf } from '../sources/metrics.ts'
import { createRekor } from '../sources/rekor.ts'
import { createTreeLog } from '../sources/tree-log.ts'
import { treeUrl } from '../tree/tree-name.ts'
import { createGrowthSource } from './growth.ts'
import { readHead, readWitness } from './heads.ts'
import { logNames } from './names.ts'
import type { LogName } from './newest.ts'
import { logPart } from './page.ts'
import { type Past, pastOfCt, pastOfV1, pastOfV2 } from './past.ts'
import type { Tail } from './tail.ts'
import { addTailRoutes } from './tail-routes.ts'

export function addLogRoutes(app: FastifyInstance, context: Context, tail: Tail): void {
  const { rekor, newest, trust, urls, now } = context
  const growths = [...pastsOf(context)].map(([log, past]) => ({ log, source: createGrowthSource(past, now) }))
  addTailRoutes(app, context, tail)

  app.get('/log', async (request, reply) => {
    const [info, { value: current }, witness] = await Promise.all([
      rekor?.info().then(
        (value) => ({ value }),
        (error: unknown) => ({ fault: reasonOf(error) }),
      ),
      trust.current(),
      urls.witness === undefined ? undefined : readWitness(urls.witness).catch(() => undefined),
    ])
    const known = { root: current?.root, witness }
    const fault = (name: string) => (error: unknown) => ({ name, fault: reasonOf(error) })
    const ofV1 = (url: string) =>
      readHead(logNames['rekor-v1'], url, {
        ...known,
        ...(info !== undefined && 'value' in info && { note: info.value.active.checkpoint }),
      })
    const heads = [
      ...(urls.rekor === undefined ? [] : [ofV1(urls.rekor).catch(fault(logNames['rekor-v1']))]),
      ...(['rekor-v2', 'ct'] as const).flatMap((tree) => {
        const url = treeUrl(urls, tree)
        return url === undefined
          ? []
          : [
              readHead(logNames[tree], url, known)
                .then((head) => ({ ...head, tree }))
                .catch(fault(logNames[tree])),
            ]
      }),
    ]
    const growth = await Promise.all(
      growths.map(async ({ log, source }) => ({ log, growth: (await source.current()).value })),
    )
    const view = {
      info,
      witness,
      logs: [...newest.keys()],
      growths: growth.flatMap(({ log, growth }) => (growth === undefined ? [] : [{ log, growth }])),
      heads: await Promise.all(heads),
      speed: urls.rekor === undefined ? [] : await speedOf(urls.rekor).catch(() => []),
    }
    return context.sendPage(request, reply, { title: 'The log', room: 'log', body: logPart(view) })
  })
}

/** Of each log that is shown. */
function pastsOf({ rekor, urls }: Context): ReadonlyMap<LogName, Past> {
  const pasts = new Map<LogName, Past>()
  if (rekor !== undefined) pasts.set('rekor-v1', pastOfV1(rekor))
  if (urls.rekorV2 !== undefined)
    pasts.set('rekor-v2', pastOfV2(createRekor(urls.rekorV2), createTreeLog(urls.rekorV2)))
  if (urls.ct !== undefined) pasts.set('ct', pastOfCt(urls.ct, createTreeLog(urls.ct)))
  return pasts
}

async function speedOf(url: string): Promise<readonly { readonly name: string; readonly value: string }[]> {
  const metrics = await readMetrics(url)
  const ms = (name: string, share: number) => {
    const seconds = quantileOf(metrics, name, share)
    return seconds === undefined ? 'not known' : `at most ${(seconds * 1000).toLocaleString('en')} ms`
  }
  if (!metrics.has('log_batch_seconds_bucket')) return []
  const batches = sumOf(metrics, 'log_batch_entries_count')
  const entries = sumOf(metrics, 'log_batch_entries_sum')
  return [
    { name: 'Entries', value: `${entries.toLocaleString('en')} in ${batches.toLocaleString('en')} batches` },
    { name: 'Half of the batches are committed in', value: ms('log_batch_seconds', 0.5) },
    { name: '99 of 100 are committed in', value: ms('log_batch_seconds', 0.99) },
    { name: 'Waiting for a batch now', value: sumOf(metrics, 'log_queue_depth').toLocaleString('en') },
    {
      name: 'Entries that the search does not have yet',
      value: sumOf(metrics, 'log_search_backlog').toLocaleString('en'),
    },
  ]
}

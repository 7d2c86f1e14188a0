/** The log, its tail as a page, and the tail as it comes. */
import { reasonOf } from '@sigstack/crypto'
import type { FastifyInstance } from 'fastify'
import type { Context } from '../context.ts'
import { html } from '../html/html.ts'
import { hidden } from '../reader.ts'
import { entryTable } from '../search/page.ts'
import { createPlaces } from '../search/places.ts'
import { search } from '../search/search.ts'
import { quantileOf, readMetrics, sumOf } from '../sources/metrics.ts'
import { treeUrl } from '../tree/tree-name.ts'
import { createGrowthSource } from './growth.ts'
import { readHead, readWitness } from './heads.ts'
import { logPart } from './page.ts'
import type { Tail } from './tail.ts'

const placesOfV1 = createPlaces(undefined)

const otherTrees = [
  ['rekor-v2', 'Rekor v2'],
  ['ct', 'Log of certificates'],
] as const

export function addLogRoutes(app: FastifyInstance, context: Context, tail: Tail): void {
  const { rekor, trust, urls, now } = context
  const growth = createGrowthSource(rekor, now)

  app.get('/log', async (request, reply) => {
    const [info, { value: current }, witness] = await Promise.all([
      rekor.info().then(
        (value) => ({ value }),
        (error: unknown) => ({ fault: reasonOf(error) }),
      ),
      trust.current(),
      urls.witness === undefined ? undefined : readWitness(urls.witness).catch(() => undefined),
    ])
    const known = { root: current?.root, witness }
    const fault = (name: string) => (error: unknown) => ({ name, fault: reasonOf(error) })
    const heads = [
      readHead('Rekor', urls.rekor, {
        ...known,
        ...('value' in info && { note: info.value.active.checkpoint }),
      }).catch(fault('Rekor')),
      ...otherTrees.flatMap(([tree, name]) => {
        const url = treeUrl(urls, tree)
        return url === undefined
          ? []
          : [
              readHead(name, url, known)
                .then((head) => ({ ...head, tree }))
                .catch(fault(name)),
            ]
      }),
    ]
    const view = {
      info,
      witness,
      growth: (await growth.current()).value,
      heads: await Promise.all(heads),
      speed: await speedOf(urls.rekor).catch(() => []),
    }
    return context.sendPage(request, reply, { title: 'The log', room: 'log', body: logPart(view) })
  })

  app.get('/log/tail', async (request, reply) => {
    const { entries } = await search(rekor, [], { order: 'newest', limit: 50, logs: 'rekor-v1' })
    const placed = await placesOfV1(entries)
    const shown = context.readerOf(request).hidesAddresses ? hidden(placed) : placed
    return context.sendPage(request, reply, {
      title: 'Entries as they come',
      room: 'log',
      body: html`<h1>Entries as they come</h1>
<p id="tail-state" role="status">These are the newest; load the page again for newer ones.</p>
<p><button type="button" id="tail-pause" hidden>Pause</button></p>
${entryTable(shown, 'Newest entries')}`,
      scripts: ['tail.js'],
    })
  })

  app.get('/log/events', async (request, reply) => {
    const last = request.headers['last-event-id']
    const { raw } = reply
    const stop = tail.open({
      address: request.ip,
      hidesAddresses: context.readerOf(request).hidesAddresses,
      mayRead: () => context.mayStillRead(request),
      ...(typeof last === 'string' && /^\d{1,18}$/.test(last) && { lastIndex: BigInt(last) }),
      write: (text) => {
        if (!raw.headersSent) begin()
        raw.write(text)
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

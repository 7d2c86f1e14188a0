/** The front page and the search, as a page and as data. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ServiceUrls } from '../config.ts'
import type { Context } from '../context.ts'
import { html } from '../html/html.ts'
import { sendText } from '../html/send.ts'
import { hidden } from '../reader.ts'
import { createShared } from '../sources/cached.ts'
import { SourceError } from '../sources/errors.ts'
import type { FoundEntry } from '../sources/rekor.ts'
import { leafPath } from '../tree/tree-name.ts'
import { atomOf } from './atom.ts'
import { keysOfReadings } from './certificate-keys.ts'
import type { FoundCertificates } from './certificates.ts'
import { entriesCsv } from './csv.ts'
import { guess, type Reading } from './guess.ts'
import {
  certificatesPart,
  entryTable,
  hrefOf,
  kinds,
  readingsPart,
  resultsPart,
  type SearchForm,
  searchBox,
} from './page.ts'
import { createPlaces, type PlacedEntry } from './places.ts'
import { type Results, search } from './search.ts'

const pageLength = 50
const frontLength = 15

type Found = {
  readonly readings: readonly Reading[]
  readonly results?: Results
  readonly certificates?: FoundCertificates | { readonly fault: string }
  readonly why?: string
  readonly to?: string
}

export function addSearchRoutes(app: FastifyInstance, context: Context): void {
  const { rekor, searched, urls, now } = context
  const logs = urls.rekorV2 === undefined ? 'rekor-v1' : 'all'
  const places = createPlaces(urls.rekorV2, now)
  /** Of the first log where none is searched. */
  const newest = createShared(async () => {
    const { entries } = await search(searched, [], { order: 'newest', limit: frontLength, logs })
    if (entries.length > 0) return places(entries)
    const [first] = context.newest.values()
    return (await first?.(frontLength)) ?? []
  }, now)

  app.get('/', async (request, reply) => {
    const entries = await newest().then(
      (placed) => visibleTo(request, placed),
      () => [],
    )
    return context.sendPage(request, reply, {
      title: 'Search',
      room: 'search',
      body: html`<h1 class="unseen">Search the log</h1>
${searchBox({ asked: '', order: 'newest', limit: pageLength, logs })}${
  entries.length > 0 &&
  html`<section aria-labelledby="newest"><h2 id="newest">Newest entries</h2>
${entryTable(entries, 'Newest entries')}<p><a href="/log/tail">Watch them come</a></p></section>
`
}`,
      scripts: ['search.js'],
    })
  })

  app.get('/search', async (request, reply) => {
    const form = formOf(request, logs)
    const { readings, results, certificates, why, to } = await find(form)
    if (to !== undefined) return reply.redirect(to, 303)
    const shown = results && { ...results, entries: await shownTo(request, results.entries) }
    const alsoShown = certificates && visibleTo(request, certificates)
    if (context.wantsJson(request)) return reply.send(dataOf(shown, alsoShown))
    const others = [
      { name: 'JSON', href: hrefOf(form, {}, '/search.json'), type: 'application/json' },
      { name: 'CSV', href: hrefOf(form, {}, '/search.csv'), type: 'text/csv' },
      { name: 'Atom', href: hrefOf(form, {}, '/search.atom'), type: 'application/atom+xml' },
    ]
    return context.sendPage(request, reply, {
      title: form.asked === '' ? 'Search' : `Search for ${form.asked.slice(0, 60)}`,
      room: 'search',
      body: html`<h1 class="unseen">Search the log</h1>
${searchBox(form)}${
  why !== undefined &&
  html`<p class="empty">${why}</p>
`
}${readingsPart(form, readings, results?.notAsked ?? [])}${shown && resultsPart(form, shown)}${alsoShown && certificatesPart(form, alsoShown)}`,
      scripts: ['search.js'],
      ...((results ?? certificates) !== undefined && { others }),
    })
  })

  app.get('/search.json', async (request, reply) => {
    const { results, certificates } = await find(formOf(request, logs))
    const shown = results && { ...results, entries: await shownTo(request, results.entries) }
    return reply.send(dataOf(shown, certificates && visibleTo(request, certificates)))
  })

  app.get('/search.csv', async (request, reply) => {
    const text = entriesCsv(await listFor(request, formOf(request, logs)))
    reply.header('content-disposition', 'attachment; filename="search.csv"')
    return sendText(request, reply, 'text/csv; charset=utf-8', text)
  })

  app.get('/search.atom', async (request, reply) => {
    const form = formOf(request, logs)
    const base = `${request.protocol}://${request.host}`
    const text = atomOf(await listFor(request, form), {
      base,
      asked: form.asked,
      self: request.url,
    })
    return sendText(request, reply, 'application/atom+xml; charset=utf-8', text)
  })

  app.get<{ Params: { algorithm: string; hex: string } }>(
    '/:algorithm(^sha(?:256|384|512)$)/:hex',
    async (request, reply) =>
      reply.redirect(
        `/search?q=${encodeURIComponent(`${request.params.algorithm}:${request.params.hex}`)}`,
        303,
      ),
  )

  async function find(form: SearchForm): Promise<Found> {
    const isAll = form.asked.trim() === ''
    const guessed = isAll ? ({ go: 'search', readings: [] } as const) : guess(form.asked)
    if (guessed.go === 'nothing') return { readings: [], why: guessed.why }
    if (guessed.go === 'entry') return { readings: [], to: `/entry/${guessed.uuid}` }
    if (guessed.go === 'index') return { readings: [], to: indexPath(urls, guessed.index) }
    const { readings } = guessed
    const chosen = readings.some(({ as }) => as === form.as)
      ? readings.filter(({ as }) => as === form.as)
      : readings
    // Sixty-four digits are the name of an entry, too.
    const hash = form.asked.trim().toLowerCase()
    if (form.cursor === undefined && /^[0-9a-f]{64}$/.test(hash)) {
      const entry = await rekor?.entry(hash)
      if (entry !== undefined) return { readings, to: `/entry/${entry.uuid}` }
    }
    const [results, certificates] = await Promise.all([
      searched === undefined || form.certificates !== undefined ? undefined : search(searched, chosen, form),
      certificatesFor(form, chosen),
    ])
    return {
      readings,
      ...(results !== undefined && { results }),
      ...(certificates !== undefined && { certificates }),
    }
  }

  /** Beside the first page of entries, and not where only a kind of entries is wanted. A log that does not answer hides no other. */
  async function certificatesFor(
    form: SearchForm,
    readings: readonly Reading[],
  ): Promise<Found['certificates']> {
    const keys = keysOfReadings(readings)
    const isWanted = form.cursor === undefined && form.kind === undefined && keys.length > 0
    if (context.certificates === undefined || !isWanted) return undefined
    const { order, certificates: from } = form
    const [afterMs, beforeMs] = [form.after, form.before].map((time) =>
      time === undefined ? undefined : Date.parse(time),
    )
    return context.certificates({ keys, order, from, afterMs, beforeMs }).catch((error: unknown) => {
      if (!(error instanceof SourceError)) throw error
      return { fault: error.message }
    })
  }

  /** All that was found as one list, for forms that know no parts. */
  async function listFor(request: FastifyRequest, form: SearchForm): Promise<readonly PlacedEntry[]> {
    const { results, certificates } = await find(form)
    const entries = await shownTo(request, results?.entries ?? [])
    if (certificates === undefined || 'fault' in certificates) return entries
    return [...entries, ...visibleTo(request, certificates).entries]
  }

  function visibleTo<T>(request: FastifyRequest, found: T): T {
    return context.readerOf(request).hidesAddresses ? hidden(found) : found
  }

  async function shownTo(
    request: FastifyRequest,
    entries: readonly FoundEntry[],
  ): Promise<readonly PlacedEntry[]> {
    return visibleTo(request, await places(entries))
  }
}

function formOf({ query }: FastifyRequest, logs: SearchForm['logs']): SearchForm {
  const given = query as Readonly<Record<string, unknown>>
  const text = (name: string): string | undefined => {
    const value = given[name]
    return typeof value === 'string' && value !== '' ? value : undefined
  }
  const kind = kinds.find((each) => each === text('kind'))
  const [after, before] = ['after', 'before'].map((name) => timeIn(text(name)))
  const certificates = text('certificates') ?? ''
  const [as, cursor] = ['as', 'cursor'].map((name) => text(name)?.slice(0, 64))
  return {
    asked: text('q') ?? '',
    order: text('order') === 'oldest' ? 'oldest' : 'newest',
    limit: pageLength,
    logs,
    ...(as !== undefined && { as }),
    ...(kind !== undefined && { kind }),
    ...(after !== undefined && { after }),
    ...(before !== undefined && { before }),
    ...(cursor !== undefined && { cursor }),
    ...(/^\d{1,18}$/.test(certificates) && { certificates: BigInt(certificates) }),
  }
}

/** Of a number alone, which may be of any log: the first of them. */
function indexPath({ rekor, rekorV2 }: ServiceUrls, index: bigint): string {
  if (rekor !== undefined) return `/entry/${index}`
  return leafPath(rekorV2 === undefined ? 'ct' : 'rekor-v2', index)
}

/** A day, or a moment in RFC 3339; anything else narrows nothing down. */
function timeIn(text: string | undefined): string | undefined {
  const isTime = text !== undefined && /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\dZ)?$/.test(text)
  return isTime && !Number.isNaN(Date.parse(text)) ? text : undefined
}

type Shown = Results & { readonly entries: readonly PlacedEntry[] }

function dataOf(results: Shown | undefined, certificates: Found['certificates']) {
  return {
    entries: entriesData(results?.entries ?? []),
    indexed: results?.indexed === undefined ? undefined : String(results.indexed),
    next: results?.next,
    ...(certificates !== undefined && {
      certificates:
        'fault' in certificates
          ? certificates
          : {
              entries: entriesData(certificates.entries),
              searchedFrom: String(certificates.first),
              size: String(certificates.size),
              isWhole: certificates.isWhole,
              ...(certificates.next !== undefined && { next: String(certificates.next) }),
            },
    }),
  }
}

function entriesData(entries: readonly PlacedEntry[]) {
  return entries.map(({ logIndex, integratedTime, ...entry }) => ({
    ...entry,
    logIndex: String(logIndex),
    ...(integratedTime !== undefined && { integratedTime: new Date(integratedTime * 1000).toISOString() }),
  }))
}

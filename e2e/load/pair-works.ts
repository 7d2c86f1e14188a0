/** What two stacks are asked in turns. */
import { tileWidth } from '@sigstack/merkle'
import { encodeRequest } from '../support/http-socket.ts'
import { closedLoop } from '../support/load.ts'
import { createRandom } from '../support/random.ts'
import { stampRequests } from '../support/requests.ts'
import type { StackProcess } from '../support/stack-process.ts'
import { openAppender } from './scenarios/appends.ts'
import { openRequester } from './scenarios/certificates.ts'

/** Requests for one burst; for appends each is new to the log. */
export type Work = {
  readonly url: URL
  readonly status: number
  prepare(): () => Buffer | undefined
}

/** Of a log that is read. */
const leastEntries = 2_000

/** More than any of them answers in a burst. */
const mostAppends = 5_000

export const works: Readonly<Record<string, (stack: StackProcess) => Promise<Work | undefined>>> = {
  appends: (stack) => openAppends(stack, 'hashedrekord'),
  dsse: (stack) => openAppends(stack, 'dsse'),
  reads: openReads,
  anywhere: openReadsAnywhere,
  search: openSearch,
  tiles: (stack) => openTiles(stack, 'tile/0'),
  bundles: (stack) => openTiles(stack, 'tile/entries', { 'Accept-Encoding': 'gzip' }),
  certificates: async (stack) => {
    const { url, next } = await openRequester({ stack: () => stack })
    return { url, status: 200, prepare: () => next }
  },
  stamps: async ({ endpoints }) => {
    const { tsa } = endpoints.services
    if (tsa === undefined) return undefined
    const url = new URL('/api/v1/timestamp', tsa)
    const next = stampRequests(url, { certificates: true, hasNonce: true })
    return { url, status: 200, prepare: () => next }
  },
}

async function openAppends(stack: StackProcess, kind: 'hashedrekord' | 'dsse'): Promise<Work> {
  const { url, prepare } = await openAppender({ stack: () => stack }, kind)
  return { url, status: 201, prepare: () => prepare(mostAppends) }
}

async function openReads(stack: StackProcess): Promise<Work> {
  const url = await fillLog(stack, leastEntries)
  const requests = Array.from({ length: leastEntries }, (_, i) =>
    encodeRequest('GET', new URL(`?logIndex=${i}`, url)),
  )
  return inTurns(url, requests)
}

/** Entries of the whole log, none twice in a hurry: what is kept in memory does not help. */
async function openReadsAnywhere(stack: StackProcess): Promise<Work> {
  const url = await fillLog(stack, leastEntries)
  const requests = (await indexesAnywhere(url, 50_000)).map((index) =>
    encodeRequest('GET', new URL(`?logIndex=${index}`, url)),
  )
  return inTurns(url, requests)
}

/** By the digest of one entry each. */
async function openSearch(stack: StackProcess): Promise<Work> {
  const entriesUrl = await fillLog(stack, leastEntries)
  const url = new URL('/api/v1/index/retrieve', entriesUrl)
  const requests: Buffer[] = []
  for (const index of await indexesAnywhere(entriesUrl, 2_000)) {
    const answer = (await (await fetch(new URL(`?logIndex=${index}`, entriesUrl))).json()) as Entries
    const { spec } = JSON.parse(
      Buffer.from(Object.values(answer)[0]?.body ?? '', 'base64').toString(),
    ) as Body
    if (spec.data === undefined) continue
    const { algorithm, value } = spec.data.hash
    requests.push(encodeRequest('POST', url, JSON.stringify({ hash: `${algorithm}:${value}` })))
  }
  return inTurns(url, requests)
}

type Entries = Readonly<Record<string, { readonly body: string }>>
type Body = {
  readonly spec: { readonly data?: { readonly hash: { readonly algorithm: string; readonly value: string } } }
}

async function indexesAnywhere(url: URL, count: number): Promise<readonly number[]> {
  const { treeSize } = (await (await fetch(new URL('/api/v1/log', url))).json()) as { treeSize: number }
  const random = createRandom(treeSize)
  return Array.from({ length: count }, () => random.below(treeSize))
}

/** Full tiles, each again and again. */
async function openTiles(
  stack: StackProcess,
  folder: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Work> {
  const tiles = 8
  const url = await fillLog(stack, tiles * tileWidth)
  const requests = Array.from({ length: tiles }, (_, i) =>
    encodeRequest('GET', new URL(`/${folder}/00${i}`, url), undefined, headers),
  )
  return inTurns(url, requests)
}

async function fillLog(stack: StackProcess, entries: number): Promise<URL> {
  const { url, prepare } = await openAppender({ stack: () => stack }, 'hashedrekord')
  await closedLoop({ url, status: 201, seconds: 60, clients: 32, next: prepare(entries) })
  return url
}

function inTurns(url: URL, requests: readonly Buffer[]): Work {
  let at = 0
  return { url, status: 200, prepare: () => () => requests[at++ % requests.length] }
}

/**
 * `npm run bench -- --against FOLDER`: this checkout beside another, both up at once and loaded in turns of a second. What the
 * machine does meanwhile falls on both alike, so a difference of some per cent shows that two runs after each other hide.
 */
import path from 'node:path'
import { tileWidth } from '@sigstack/merkle'
import { encodeRequest } from '../support/http-socket.ts'
import { closedLoop } from '../support/load.ts'
import { median } from '../support/median.ts'
import { stampRequests } from '../support/requests.ts'
import { type StackProcess, startStackProcess } from '../support/stack-process.ts'
import { childrenOf } from './memory.ts'
import { startCosts } from './processor-time.ts'
import { openAppender } from './scenarios/appends.ts'
import { openRequester } from './scenarios/certificates.ts'

export type PairOptions = {
  /** Another checkout with its dependencies installed. */
  readonly against: string
  /** Where both keep their data. */
  readonly folder: string
  readonly rounds: number
  readonly clients: number
  readonly only: readonly string[]
  readonly say: (line: string) => void
}

/** Requests for one burst; for appends each is new to the log. */
type Work = {
  readonly url: URL
  readonly status: number
  prepare(): () => Buffer | undefined
}

type Burst = { readonly perSecond: number; readonly microseconds: number; readonly p99: number }

const burstSeconds = 1
/** More than any of them answers in a burst. */
const mostAppends = 5_000

export async function benchPairs(options: PairOptions): Promise<void> {
  const { against, folder, rounds, clients, only, say } = options
  const start = (name: string, program?: string) =>
    startStackProcess({
      dataDirectory: path.join(folder, name),
      environment: { LOG_LEVEL: 'error' },
      program,
    })
  const ours = await start('this')
  const theirs = await start('other', path.join(path.resolve(against), 'services/stack/src/main.ts'))
  try {
    say(
      `pairs       ${clients} clients, ${rounds} rounds of ${burstSeconds} s each; medians; this checkout / the other`,
    )
    for (const name of only) {
      const open = works[name]
      if (open === undefined) continue
      const [our, their] = [await open(ours), await open(theirs)]
      if (our === undefined || their === undefined) {
        say(`  ${name.padEnd(14)} not in both`)
        continue
      }
      const bursts: { ours: Burst[]; theirs: Burst[] } = { ours: [], theirs: [] }
      await burst(ours, our, clients)
      await burst(theirs, their, clients)
      for (let round = 0; round < rounds; round++) {
        const turn = {
          ours: async () => bursts.ours.push(await burst(ours, our, clients)),
          theirs: async () => bursts.theirs.push(await burst(theirs, their, clients)),
        }
        // Neither is always the one that follows the other's clean-up.
        for (const side of round % 2 === 0 ? (['ours', 'theirs'] as const) : (['theirs', 'ours'] as const))
          await turn[side]()
      }
      say(row(name, bursts))
    }
  } finally {
    await ours.stop()
    await theirs.stop()
  }
}

const works: Readonly<Record<string, (stack: StackProcess) => Promise<Work | undefined>>> = {
  appends: (stack) => openAppends(stack, 'hashedrekord'),
  dsse: (stack) => openAppends(stack, 'dsse'),
  reads: openReads,
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

/** What there is to choose from, beside what runs on one checkout alone. */
export const pairNames: readonly string[] = Object.keys(works)

async function openAppends(stack: StackProcess, kind: 'hashedrekord' | 'dsse'): Promise<Work> {
  const { url, prepare } = await openAppender({ stack: () => stack }, kind)
  return { url, status: 201, prepare: () => prepare(mostAppends) }
}

async function openReads(stack: StackProcess): Promise<Work> {
  const entries = 2_000
  const url = await fillLog(stack, entries)
  const requests = Array.from({ length: entries }, (_, i) =>
    encodeRequest('GET', new URL(`?logIndex=${i}`, url)),
  )
  return inTurns(url, requests)
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

async function burst({ pid }: StackProcess, { url, status, prepare }: Work, clients: number): Promise<Burst> {
  const next = prepare()
  // The stack's own database is a child of its process.
  const [databasePid] = await childrenOf(pid)
  const costs = await startCosts(pid, databasePid)
  const result = await closedLoop({ url, status, clients, seconds: burstSeconds, next })
  if (result.failed > 0) throw new Error(`${result.failed} requests failed: ${result.firstFailure}`)
  const { stack, database } = await costs.stop(result.answered)
  return { perSecond: result.perSecond, microseconds: stack + database, p99: result.p99 }
}

function row(name: string, { ours, theirs }: { ours: readonly Burst[]; theirs: readonly Burst[] }): string {
  const figures = (['perSecond', 'microseconds', 'p99'] as const).map((figure) => {
    const ratios = ours.map((each, i) => each[figure] / (theirs[i]?.[figure] ?? Number.NaN))
    const [mine, others] = [ours, theirs].map((side) => median(side.map((each) => each[figure])))
    return `${format(mine)} / ${format(others)} = ${median(ratios).toFixed(3)}`
  })
  return `  ${name.padEnd(14)} per s ${figures[0]}   µs of processor time ${figures[1]}   p99 ms ${figures[2]}`
}

function format(value = Number.NaN): string {
  return value < 100 ? value.toFixed(1) : value.toFixed(0)
}

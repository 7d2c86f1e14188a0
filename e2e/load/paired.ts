/**
 * Two stacks, both up at once and loaded in turns of a second. What the machine does meanwhile falls on both alike, so a difference of
 * some per cent shows that two runs after each other hide. `--against FOLDER`: this checkout beside another; `--filled FOLDER`: on a
 * log that `npm run bench -- audit --data FOLDER` has filled beside an empty one.
 */
import { loadavg } from 'node:os'
import path from 'node:path'
import { startEmbeddedPostgres } from '@sigstack/postgres'
import { closedLoop } from '../support/load.ts'
import { median } from '../support/median.ts'
import { type StackProcess, startStackProcess } from '../support/stack-process.ts'
import { childrenOf } from './memory.ts'
import { type Work, works } from './pair-works.ts'
import { startCosts } from './processor-time.ts'

/** What this checkout runs beside, or on beside an empty log. */
export type OtherStack = {
  /** A checkout has its dependencies installed; a filled log is the folder that `audit --data` filled. */
  readonly kind: 'checkout' | 'filled'
  readonly path: string
}

export type PairOptions = {
  readonly other: OtherStack
  /** Where both keep their data. */
  readonly folder: string
  readonly rounds: number
  readonly clients: number
  readonly only: readonly string[]
  readonly say: (line: string) => void
}

type Burst = { readonly perSecond: number; readonly microseconds: number; readonly p99: number }

const burstSeconds = 1

export async function benchPairs(options: PairOptions): Promise<void> {
  const { other, rounds, clients, only, say } = options
  await using running = new AsyncDisposableStack()
  const [ours, theirs] = await startBoth(options, running)
  const sides = other.kind === 'filled' ? 'the filled log / an empty one' : 'this checkout / the other'
  say(`pairs       ${clients} clients, ${rounds} rounds of ${burstSeconds} s each; medians; ${sides}`)
  for (const name of only) {
    const open = works[name]
    if (open === undefined) continue
    const [our, their] = [await open(ours.stack), await open(theirs.stack)]
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
    say(`${row(name, bursts)}   load average ${loadavg()[0]?.toFixed(1)}`)
  }
}

type Side = { readonly stack: StackProcess; readonly databasePid: number | undefined }

async function startBoth(
  { other, folder }: PairOptions,
  running: AsyncDisposableStack,
): Promise<readonly [Side, Side]> {
  const start = async (dataDirectory: string, more: { databaseUrl?: string; program?: string } = {}) => {
    const stack = await startStackProcess({
      dataDirectory,
      environment: { LOG_LEVEL: 'error', ...(more.databaseUrl && { DATABASE_URL: more.databaseUrl }) },
      program: more.program,
    })
    running.defer(async () => void (await stack.stop()))
    return stack
  }
  /** The stack's own database is a child of its process. */
  const whole = async (stack: StackProcess): Promise<Side> => {
    const [databasePid] = await childrenOf(stack.pid)
    return { stack, databasePid }
  }
  const first = path.join(folder, 'this')
  const second = path.join(folder, 'other')
  if (other.kind === 'checkout') {
    const program = path.join(path.resolve(other.path), 'services/stack/src/main.ts')
    return [await whole(await start(first)), await whole(await start(second, { program }))]
  }
  const server = await startEmbeddedPostgres({ dataDirectory: path.join(other.path, 'database') })
  running.defer(() => server.stop())
  const databaseUrl = server.connectionString
  const filled = await start(path.join(other.path, 'stack'), { databaseUrl })
  return [{ stack: filled, databasePid: server.pid }, await whole(await start(second))]
}

/** What there is to choose from, beside what runs on one checkout alone. */
export const pairNames: readonly string[] = Object.keys(works)

async function burst(
  { stack: { pid }, databasePid }: Side,
  { url, status, prepare }: Work,
  clients: number,
): Promise<Burst> {
  const next = prepare()
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

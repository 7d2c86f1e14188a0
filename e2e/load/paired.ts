/**
 * Two stacks, both up at once and loaded in turns of a second. What the machine does meanwhile falls on both alike, so a difference of
 * some per cent shows that two runs after each other hide. `--against FOLDER`: this checkout beside another; `--filled FOLDER`: on a
 * log that `npm run bench -- audit --data FOLDER` has filled beside an empty one.
 */
import { loadavg } from 'node:os'
import path from 'node:path'
import { createPool, type Pool, startEmbeddedPostgres } from '@sigstack/postgres'
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

type Burst = {
  readonly perSecond: number
  readonly microseconds: number
  readonly p99: number
  /** Written ahead by the database for an answer, follower and all; not a number where it cannot be asked. */
  readonly walBytes: number
}

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

type Side = {
  readonly stack: StackProcess
  readonly databasePid: number | undefined
  /** Where the database is the bench's own. */
  readonly pool?: Pool
}

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
  const second = path.join(folder, 'other')
  if (other.kind === 'checkout') {
    /** The stack's own database is a child of its process. */
    const whole = async (stack: StackProcess): Promise<Side> => {
      const [databasePid] = await childrenOf(stack.pid)
      return { stack, databasePid }
    }
    const program = path.join(path.resolve(other.path), 'services/stack/src/main.ts')
    return [
      await whole(await start(path.join(folder, 'this'))),
      await whole(await start(second, { program })),
    ]
  }
  /** As `audit --data` leaves it. */
  const onOwnDatabase = async (data: string): Promise<Side> => {
    const server = await startEmbeddedPostgres({ dataDirectory: path.join(data, 'database') })
    running.defer(() => server.stop())
    const databaseUrl = server.connectionString
    const pool = createPool({ connectionString: databaseUrl, maxConnections: 1 })
    running.defer(() => pool.end())
    return { stack: await start(path.join(data, 'stack'), { databaseUrl }), databasePid: server.pid, pool }
  }
  return [await onOwnDatabase(other.path), await onOwnDatabase(second)]
}

/** What there is to choose from, beside what runs on one checkout alone. */
export const pairNames: readonly string[] = Object.keys(works)

async function burst(
  { stack: { pid }, databasePid, pool }: Side,
  { url, status, prepare }: Work,
  clients: number,
): Promise<Burst> {
  const next = prepare()
  const walBefore = await writtenAhead(pool)
  const costs = await startCosts(pid, databasePid)
  const result = await closedLoop({ url, status, clients, seconds: burstSeconds, next })
  if (result.failed > 0) throw new Error(`${result.failed} requests failed: ${result.firstFailure}`)
  const { stack, database } = await costs.stop(result.answered)
  const walBytes = ((await writtenAhead(pool)) - walBefore) / result.answered
  return { perSecond: result.perSecond, microseconds: stack + database, p99: result.p99, walBytes }
}

async function writtenAhead(pool: Pool | undefined): Promise<number> {
  const answer = await pool?.query<{ bytes: number }>(
    `select (pg_current_wal_insert_lsn() - '0/0')::float8 as bytes`,
  )
  return answer?.rows[0]?.bytes ?? Number.NaN
}

const figures = {
  perSecond: 'per s',
  microseconds: 'µs of processor time',
  p99: 'p99 ms',
  walBytes: 'bytes of WAL',
} as const satisfies Record<keyof Burst, string>

function row(name: string, { ours, theirs }: { ours: readonly Burst[]; theirs: readonly Burst[] }): string {
  const told = (Object.keys(figures) as (keyof Burst)[]).flatMap((figure) => {
    const ratios = ours.map((each, i) => each[figure] / (theirs[i]?.[figure] ?? Number.NaN))
    const [mine, others] = [ours, theirs].map((side) => median(side.map((each) => each[figure])))
    if (Number.isNaN(mine)) return []
    return `${figures[figure]} ${format(mine)} / ${format(others)} = ${median(ratios).toFixed(3)}`
  })
  return `  ${name.padEnd(14)} ${told.join('   ')}`
}

function format(value = Number.NaN): string {
  return value < 100 ? value.toFixed(1) : value.toFixed(0)
}

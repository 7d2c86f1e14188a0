/** What a fault run is told, what it says, and the part that all runs share: load, the outside checker, and the reckoning. */
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createPool, type Pool } from '@sigstack/postgres'
import { auditRekor } from '@sigstack/rekor-log'
import { type OutsideChecker, startOutsideChecker } from '../support/checker/outside-checker.ts'
import type { Random } from '../support/random.ts'
import { createSilenceRecorder } from './parts/record-silence.ts'
import { startWriters, type Writers } from './writers.ts'

export type RunOptions = {
  /** For data, logs and evidence; made if it is not there. */
  readonly folder: string
  /** How often the fault is inflicted. */
  readonly times: number
  readonly writers: number
  readonly entriesPerSecond: number
  /** Decides what is hit, and when. */
  readonly random: Random
  readonly onProgress: (line: string) => void
}

export type RunReport = {
  readonly times: number
  readonly answered: number
  readonly treeHeads: number
  /** Entries of the log in the end, answered or not, each of them once. */
  readonly entries: number
  /** What clients saw and came back from. */
  readonly survived: Readonly<Record<string, number>>
  /** What else was counted. */
  readonly seen: Readonly<Record<string, number>>
}

/** Why this machine cannot run it. */
export type Skipped = { readonly skipped: string }

export type Scenario = {
  readonly name: string
  /** What is done to the system, in one line. */
  readonly title: string
  run(options: RunOptions): Promise<RunReport | Skipped>
}

/** So long no machine is slow. */
const patienceMs = 300_000

/** More than one batch of the writers of the shortest run. */
const answersAfterTheLast = 20

/** Who is under load. */
export type System = {
  /** Front doors of the Rekor replicas. */
  readonly urls: () => readonly string[]
  readonly databaseUrl: string
}

export type Load = {
  /** Resolves when so many more entries are answered; rejects when clients see what they must not, or nothing for minutes. */
  untilAnswered(more: number): Promise<void>
  /** Resolves when clients were told so many more times to come back. */
  untilRefused(more: number): Promise<void>
  answered(): number
  /** A key that the log will sign with. */
  trust(keysPem: readonly string[]): Promise<void>
}

/**
 * Runs `inflict` while writers write, lets all of them have their answers, then holds the log to them: every answered entry there and
 * proved at each front door, one root for each size, every head a beginning of the next, the whole tree computed again, no entry
 * twice. Throws what is wrong. `inflict` returns what it has counted.
 */
export async function underLoad(
  options: RunOptions,
  system: System,
  inflict: (load: Load) => Promise<Readonly<Record<string, number>>>,
): Promise<RunReport> {
  await mkdir(options.folder, { recursive: true })
  const answersFile = path.join(options.folder, 'answers.jsonl')
  const checker = startOutsideChecker(answersFile)
  try {
    const [url = ''] = system.urls()
    await checker.trust([await (await fetch(`${url}/api/v1/log/publicKey`)).text()])
    await checker.watch(system.urls())
    const { seen, survived } = await whileWriting(options, system, checker, inflict)
    options.onProgress(`${checker.counts().answered} entries answered; holding the log to them`)
    for (const each of system.urls()) await checker.confront(each)
    const entries = await audit(system.databaseUrl, answersFile)
    const { answered, treeHeads } = checker.counts()
    return { times: options.times, answered, treeHeads, entries, survived, seen }
  } finally {
    checker.stop()
  }
}

async function whileWriting(
  options: RunOptions,
  { urls, databaseUrl }: System,
  checker: OutsideChecker,
  inflict: (load: Load) => Promise<RunReport['seen']>,
): Promise<Pick<RunReport, 'seen' | 'survived'>> {
  const silence = createSilenceRecorder(options.folder, databaseUrl)
  const writers = startWriters({ ...options, urls, checker, onSilence: silence.record })
  try {
    const load = loadOf(writers, checker)
    const inflicted = async () => {
      const seen = await inflict(load)
      // It has recovered from the last one too, and there is enough to hold it to, however slow the machine.
      await load.untilAnswered(answersAfterTheLast)
      return seen
    }
    const seen = await inflicted().catch((error: unknown) => {
      throw writers.failure() ?? error
    })
    await writers.stop()
    if (silence.count() > 0)
      options.onProgress(`requests without an answer are recorded in ${options.folder}/silence-*.json`)
    return { seen, survived: Object.fromEntries(writers.survived) }
  } finally {
    await writers.abandon()
  }
}

function loadOf(writers: Writers, checker: OutsideChecker): Load {
  const answered = () => checker.counts().answered
  const refused = () => (writers.survived.get('503') ?? 0) + (writers.survived.get('429') ?? 0)
  const untilMore = async (what: string, count: () => number, more: number): Promise<void> => {
    const wanted = count() + more
    const deadline = performance.now() + patienceMs
    while (count() < wanted) {
      if (writers.failure() !== undefined) throw writers.failure()
      if (performance.now() > deadline)
        throw new Error(`${more} more ${what} took longer than ${patienceMs / 60_000} minutes`)
      await sleep(20)
    }
  }
  return {
    untilAnswered: (more) => untilMore('answered entries', answered, more),
    untilRefused: (more) => untilMore('refusals', refused, more),
    answered,
    trust: checker.trust,
  }
}

async function audit(databaseUrl: string, answersFile: string): Promise<number> {
  const pool = createPool({ connectionString: databaseUrl, maxConnections: 2 })
  try {
    const { entries, findings, findingCount } = await auditRekor({ pool, answersFile, search: 'none' })
    if (findingCount > 0) throw new Error(`the audit has findings: ${JSON.stringify(findings.slice(0, 5))}`)
    await assertNoneTwice(pool)
    return Number(entries)
  } finally {
    await pool.end()
  }
}

async function assertNoneTwice(pool: Pool): Promise<void> {
  const { rows } = await pool.query<{ log_no: number; times: bigint }>(
    'select log_no, count(*) as times from entry group by log_no, leaf_hash having count(*) > 1 limit 1',
  )
  if (rows.length > 0) throw new Error(`an entry is in log ${rows[0]?.log_no} ${rows[0]?.times} times`)
}

/** Resolves when each of the logs says so: they notice one after the other. */
export async function untilReadiness(urls: readonly string[], wanted: 200 | 503): Promise<void> {
  for (const url of urls) {
    await untilTrue(`a ${wanted} of ${url}/readyz`, async () => {
      const answer = await fetch(`${url}/readyz`)
      await answer.arrayBuffer()
      return answer.status === wanted
    })
  }
}

/** Asks again and again. */
export async function untilTrue(what: string, ask: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + patienceMs
  while (!(await ask())) {
    if (performance.now() > deadline)
      throw new Error(`${what} took longer than ${patienceMs / 60_000} minutes`)
    await sleep(50)
  }
}

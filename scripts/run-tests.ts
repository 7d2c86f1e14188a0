/**
 * Test files in processes, several at once. Each says what it finds in TAP, version 14: lines of `ok` and `not ok`, and at its end its
 * counts. Node runs the sources as they are, so nothing is loaded besides.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const together = path.join(import.meta.dirname, 'together.ts')
const loadedBefore = ['./watch-tests.ts', './bundled-threads.ts'].flatMap((file) => [
  '--import',
  import.meta.resolve(file),
])

export type Counts = { readonly pass: number; readonly fail: number; readonly skip: number }

/** Of one process. */
export type Outcome = Counts & {
  readonly files: readonly string[]
  readonly seconds: number
  /** It failed beside others and passed alone; the counts are those of the second time. */
  readonly unsteady: boolean
}

export type RunOptions = {
  /** The files of each process. */
  readonly processes: readonly (readonly string[])[]
  readonly jobs: number
  /** After so long without an end a file counts as hung. */
  readonly timeoutSeconds: number
  /** Of everything that the files say, one after the other. */
  readonly record: string
  readonly environment: NodeJS.ProcessEnv
  /** A line for each process, and everything about a failure. */
  readonly onLine: (line: string) => void
}

/** When more fail than this, the code is broken and not the machine busy. */
const mostSecondTries = 3

/** What fails beside others is run once more when they have all ended: whether it passes alone is said, never hidden. */
export async function runTests(options: RunOptions): Promise<readonly Outcome[]> {
  const record = createWriteStream(options.record)
  const run = async (files: readonly string[]) => {
    const { lines, ...outcome } = await runProcess(files, options)
    for (const line of lines) record.write(`${line}\n`)
    const shown = lines.filter(isShown())
    for (const line of [...shown, summaryOf(outcome)]) options.onLine(line)
    return outcome
  }
  const waiting = options.processes.values()
  const outcomes: Outcome[] = []
  const worker = async () => {
    // All workers take from the one iterator, so that each is run once.
    for (const files of waiting) outcomes.push(await run(files))
  }
  await Promise.all(Array.from({ length: options.jobs }, worker))
  const besideOthers = Math.min(options.jobs, options.processes.length) > 1
  const failed = outcomes.filter(({ fail }) => fail > 0)
  if (besideOthers && failed.length <= mostSecondTries) {
    for (const first of failed) {
      options.onLine(`once more, alone: ${nameOf(first.files)}`)
      const second = await run(first.files)
      outcomes[outcomes.indexOf(first)] = { ...second, unsteady: second.fail === 0 }
    }
  }
  await new Promise((resolve) => record.end(resolve))
  return outcomes
}

async function runProcess(
  files: readonly string[],
  options: RunOptions,
): Promise<Outcome & { readonly lines: readonly string[] }> {
  const begun = performance.now()
  const timeoutSeconds = options.timeoutSeconds * files.length
  const words = files.length === 1 ? files : [together, ...files]
  const child = spawn(process.execPath, [...loadedBefore, ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...options.environment, TAP_TIMEOUT: String(timeoutSeconds) },
  })
  const ended = Promise.withResolvers<string>()
  const closed = once(child.stdout, 'close')
  child.on('error', ({ message }) => ended.resolve(message))
  child.on('exit', (code, signal) => ended.resolve(code === 0 ? '' : `ended with ${signal ?? code}`))
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part
  })
  // The file itself tells first which of its tests hangs.
  const hung = setTimeout(() => child.kill('SIGKILL'), (timeoutSeconds + 60) * 1000)
  const trouble = await ended.promise
  clearTimeout(hung)
  // What it has started and left behind may keep the pipe.
  await Promise.race([closed, sleep(10_000, undefined, { ref: false })])
  const seconds = (performance.now() - begun) / 1000
  const said = text.split('\n')
  const name = nameOf(files)
  const lines = [`# Subtest: ${name}`, ...said.map((line) => `    ${line}`)]
  const summary = said.findLast((line) => /^# \{.*\}$/.test(line))
  const { pass, fail, skip } = countsOf(summary ?? '')
  const outcome = { files, seconds, unsteady: false, pass, skip }
  if (trouble === '' && summary !== undefined) return { ...outcome, fail, lines }
  const sentence = `not ok - ${name} ${trouble || 'said nothing of its tests'}`
  return { ...outcome, fail: Math.max(1, fail), lines: [...lines, `    ${sentence}`] }
}

function summaryOf({ files, seconds, fail }: Outcome): string {
  return `${fail === 0 ? 'ok' : 'not ok'} - ${nameOf(files)} # time=${seconds.toFixed(1)}s`
}

export function nameOf([first = '', ...others]: readonly string[]): string {
  return others.length === 0 ? first : `${first} and ${others.length} after it`
}

/** Failures with what follows them, and what was skipped. */
function isShown(): (line: string) => boolean {
  let inFailure = false
  return (line) => {
    const point = /^\s*(not )?ok\b/.exec(line)
    if (point !== null) inFailure = point[1] !== undefined
    return inFailure || / # SKIP/i.test(line)
  }
}

/** The totals of a file's last line, as in `# { total: 8, pass: 7, fail: 1 }`. */
function countsOf(summary: string): Counts {
  const count = (word: string) => Number(new RegExp(`${word}: (\\d+)`).exec(summary)?.[1] ?? 0)
  return { pass: count('pass'), fail: count('fail'), skip: count('skip') }
}

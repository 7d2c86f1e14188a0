/**
 * `npm run fuzz`: changed inputs for every decoder, for ten minutes. Ends with 1 when one of them throws what is no refusal,
 * or takes longer than a second of processor time.
 *
 *   --minutes N         how long; fractions are fine (default 10)
 *   --run N             number of the run: the same number gives the same inputs (default: another one each time)
 *   --only NAME         this target alone
 *   --again NAME:SEED   one input again, shown and run
 */
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { type FuzzReport, tryInput } from './fuzz.ts'
import { makeInput } from './make-input.ts'
import { createTargets } from './targets.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    run: { type: 'string' },
    only: { type: 'string' },
    again: { type: 'string' },
  },
})
const minutes = Number(values.minutes)
if (!(minutes > 0)) throw new Error(`--minutes ${values.minutes} is no time`)
process.exitCode = values.again === undefined ? await attack() : await again(values.again)

/** A loop that never ends would stop a timer of its own thread too: so the work is done in another. */
async function attack(): Promise<number> {
  const run = values.run === undefined ? Date.now() % 2 ** 31 : Number(values.run)
  const names = (await createTargets()).map(({ name }) => name)
  const now = new Int32Array(new SharedArrayBuffer(12))
  process.stdout.write(`run ${run}, ${minutes} minutes, ${values.only ?? `${names.length} targets`}\n`)
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    // A changed configuration may well be worth a warning, but not a thousand of them.
    execArgv: ['--no-warnings'],
    workerData: { run, only: values.only, durationMs: minutes * 60_000, now },
  })
  return new Promise((resolve) => {
    let last = -1
    const watch = setInterval(() => {
      const counter = Atomics.load(now, 0)
      if (counter === last && counter > 0) {
        process.stdout.write(`HANG --again ${names[Atomics.load(now, 1)]}:${Atomics.load(now, 2) >>> 0}\n`)
        clearInterval(watch)
        void worker.terminate()
        resolve(1)
      }
      last = counter
    }, 10_000)
    worker.on('message', (report: FuzzReport) => {
      clearInterval(watch)
      resolve(tell(report))
    })
    worker.on('error', (error) => {
      clearInterval(watch)
      process.stdout.write(
        `CRASH --again ${names[Atomics.load(now, 1)]}:${Atomics.load(now, 2) >>> 0}\n${error.stack ?? error.message}\n`,
      )
      resolve(1)
    })
  })
}

function tell({ findings, inputs, accepted, slowestMs }: FuzzReport): number {
  for (const [name, count] of Object.entries(inputs)) {
    const share = ((100 * (accepted[name] ?? 0)) / count).toFixed(1)
    process.stdout.write(
      `${name.padEnd(22)} ${String(count).padStart(9)} inputs  ${share.padStart(5)} % taken  slowest ${(slowestMs[name] ?? 0).toFixed(0)} ms\n`,
    )
  }
  for (const { target, seed, fault } of findings)
    process.stdout.write(`\nFAULT --again ${target}:${seed}\n${fault}\n`)
  process.stdout.write(`\n${findings.length} faults\n`)
  return findings.length === 0 ? 0 : 1
}

async function again(which: string): Promise<number> {
  const [name, seed] = which.split(':')
  const target = (await createTargets()).find((candidate) => candidate.name === name)
  if (target === undefined || seed === undefined) throw new Error(`${which} is no target and seed`)
  const input = Buffer.from(makeInput(target, Number(seed)))
  process.stdout.write(
    `${input.length} bytes\n${input.toString('base64')}\n${input.toString('utf8').slice(0, 2000)}\n`,
  )
  const { fault, tookMs, accepted } = await tryInput(target, Number(seed))
  process.stdout.write(`${fault ?? (accepted ? 'taken' : 'refused')}, ${tookMs.toFixed(1)} ms\n`)
  return fault === undefined ? 0 : 1
}

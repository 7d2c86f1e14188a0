import { parentPort, workerData } from 'node:worker_threads'
import { fuzz } from './fuzz.ts'
import { createTargets } from './targets.ts'

type Work = {
  readonly run: number
  readonly only: string | undefined
  readonly durationMs: number
  /** Counter of inputs, target, seed: for whoever watches. */
  readonly now: Int32Array
}

const { run, only, durationMs, now } = workerData as Work
const all = await createTargets()
const targets = all.filter(({ name }) => only === undefined || name === only)
if (targets.length === 0)
  throw new Error(`there is no target ${only}; there are ${all.map(({ name }) => name).join(', ')}`)
const report = await fuzz({
  targets,
  run,
  durationMs,
  onInput(target, seed) {
    Atomics.store(now, 1, all.indexOf(targets[target] ?? (all[0] as (typeof all)[number])))
    Atomics.store(now, 2, seed | 0)
    Atomics.add(now, 0, 1)
  },
  onFinding: ({ target, seed }) => process.stdout.write(`fault in ${target}, seed ${seed}\n`),
})
parentPort?.postMessage(report)
process.exit(0)

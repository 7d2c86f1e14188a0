/**
 * `npm run faults`: kills the stack, then one of two log replicas, at random under load. Ends with status 1 when an answered entry
 * is lost, when two roots exist for one size, or when an old proof no longer holds.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { killOneOfTwoReplicas, killTheStack } from './runs.ts'

const { values } = parseArgs({
  options: { kills: { type: 'string', default: '50' }, writers: { type: 'string', default: '16' } },
})
const folder = await mkdtemp(path.join(tmpdir(), 'sigstack-faults-'))
const options = {
  kills: Number(values.kills),
  writers: Number(values.writers),
  onProgress: (line: string) => void process.stdout.write(`${line}\n`),
}
for (const [name, run] of [
  ['the stack killed', killTheStack],
  ['one of two replicas killed', killOneOfTwoReplicas],
] as const) {
  process.stdout.write(`\n${name}\n`)
  const { kills, answered, treeHeads, survived } = await run({
    ...options,
    folder: path.join(folder, run.name),
  })
  process.stdout.write(
    `${name} ${kills} times: ${answered} answered entries all there and proved, ${treeHeads} tree heads consistent; survived ${JSON.stringify(survived)}\n`,
  )
}
await rm(folder, { recursive: true, force: true })

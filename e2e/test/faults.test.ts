/** The short form of the fault runs; `npm run faults` inflicts more, and longer. */
import '@sigstack/signers/few-rounds'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { copyDatabase } from '@sigstack/postgres/testing'
import t from 'tap'
import { scenarios } from '../faults/scenarios/index.ts'
import { createRandom } from '../support/random.ts'

t.setTimeout(600_000)
// Most of a fault is waiting, for time-outs and for what starts again: several are inflicted at once, each on a system of its own.
t.jobs = 4

/** Once is enough of what waits for time-outs, or starts much. */
const slow: readonly string[] = [
  'silence-network',
  'freeze-replica',
  'roll-over',
  'kill-redis',
  'kill-stack',
  'fill-disk',
  'restart-database',
  'kill-witnesses',
]

/** These have the stack's own database under load, the others one beside it. */
const withStack: readonly string[] = ['kill-stack']

for (const { name, title, run } of scenarios) {
  t.test(`${name}: no answered entry is lost and no tree forks`, { buffered: true }, async (t) => {
    const folder = await mkdtemp(path.join(tmpdir(), 'sigstack-faults-'))
    t.teardown(() => rm(folder, { recursive: true, force: true }))
    t.comment(title)
    await copyDatabase(path.join(folder, withStack.includes(name) ? 'stack/postgres' : 'database'))
    const report = await run({
      folder,
      times: slow.includes(name) ? 1 : 2,
      writers: 4,
      entriesPerSecond: 20,
      random: createRandom(1),
      onProgress: (line) => t.comment(line),
    })
    if ('skipped' in report) return void t.pass('', { skip: report.skipped })
    t.ok(report.answered > 5, `${report.answered} entries answered`)
    t.ok(report.entries > report.answered, 'and the first entry of the log')
    t.ok(report.treeHeads > 3, `${report.treeHeads} tree heads`)
  })
}

/** Three of the faults, for as long as a test may take; `npm run faults` inflicts all of them, and `.ci/run` each once. */
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

/** A process that dies, a commit whose answer is lost, and two that believe to be the writer. The others take long to begin. */
const everyDay: readonly string[] = ['kill-replicas', 'cut-commit', 'freeze-replica']

for (const { name, title, run } of scenarios.filter((each) => everyDay.includes(each.name))) {
  t.test(`${name}: no answered entry is lost and no tree forks`, { buffered: true }, async (t) => {
    const folder = await mkdtemp(path.join(tmpdir(), 'sigstack-faults-'))
    t.teardown(() => rm(folder, { recursive: true, force: true }))
    t.comment(title)
    await copyDatabase(path.join(folder, 'database'))
    const report = await run({
      folder,
      times: name === 'freeze-replica' ? 1 : 2,
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

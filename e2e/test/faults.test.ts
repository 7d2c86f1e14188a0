/** The short form of the fault runs; `npm run faults` inflicts more, and longer. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import t from 'tap'
import { scenarios } from '../faults/scenarios/index.ts'
import { createRandom } from '../fuzz/random.ts'

t.setTimeout(600_000)

/** Once is enough of what waits for time-outs, or starts much. */
const slow: readonly string[] = ['silence-network', 'freeze-replica', 'roll-over', 'kill-redis']

for (const { name, title, run } of scenarios) {
  t.test(`${name}: no answered entry is lost and no tree forks`, async (t) => {
    const folder = await mkdtemp(path.join(tmpdir(), 'sigstack-faults-'))
    t.teardown(() => rm(folder, { recursive: true, force: true }))
    t.comment(title)
    const report = await run({
      folder,
      times: slow.includes(name) ? 1 : 2,
      writers: 8,
      entriesPerSecond: 200,
      random: createRandom(1),
      onProgress: (line) => t.comment(line),
    })
    if ('skipped' in report) return void t.pass('', { skip: report.skipped })
    t.ok(report.answered > 5, `${report.answered} entries answered`)
    t.ok(report.entries > report.answered, 'and the first entry of the log')
    t.ok(report.treeHeads > 3, `${report.treeHeads} tree heads`)
  })
}

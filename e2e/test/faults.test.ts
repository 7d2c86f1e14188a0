import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import t from 'tap'
import { killOneOfTwoReplicas, killTheStack } from '../faults/runs.ts'

t.setTimeout(120_000)

// The short form; `npm run faults` kills more often.
for (const run of [killTheStack, killOneOfTwoReplicas]) {
  t.test(`${run.name}: no answered entry is lost and no tree forks`, async (t) => {
    const folder = await mkdtemp(path.join(tmpdir(), 'sigstack-faults-'))
    t.teardown(() => rm(folder, { recursive: true, force: true }))
    const report = await run({ folder, kills: 3, writers: 8, onProgress: (line) => t.comment(line) })
    t.ok(report.answered > 20, `${report.answered} entries answered`)
    t.ok(report.treeHeads > 5, `${report.treeHeads} tree heads`)
    t.ok((report.survived['connection lost'] ?? 0) > 0, 'writers lost connections')
  })
}

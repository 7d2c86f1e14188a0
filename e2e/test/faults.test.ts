/** One of the faults, for as long as a test may take; `npm run faults` inflicts all of them, and `.ci/run` each once. */
import '@sigstack/signers/few-rounds'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { copyDatabase } from '@sigstack/postgres/testing'
import t from 'tap'
import { killReplicas } from '../faults/scenarios/kill-replicas.ts'
import { createRandom } from '../support/random.ts'

t.setTimeout(600_000)

const { title, run } = killReplicas

t.test('no answered entry is lost and no tree forks', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'sigstack-faults-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  t.comment(title)
  await copyDatabase(path.join(folder, 'database'))
  const report = await run({
    folder,
    times: 2,
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

import { emptyTree } from '@sigstack/merkle'
import type { Pool } from '@sigstack/postgres'
import t from 'tap'
import { readinessOf, searchCheck } from '../src/readiness.ts'

t.test('a search index that lags is told, and the log is ready all the same', async (t) => {
  const pool = { query: async () => ({ rows: [] }) } as unknown as Pool
  const log = { checkpoint: async () => ({ treeHead: emptyTree, note: '' }) }
  const readiness = (backlog: bigint) => readinessOf(pool, log, () => ({ search: searchCheck(backlog) }))
  t.match(await readiness(0n), { ready: true, checks: { search: 'ok' } })
  t.match(await readiness(1n), { ready: true, checks: { search: 'entries to index: 1' } })
})

import { emptyTree } from '@sigstack/merkle'
import type { Pool } from '@sigstack/postgres'
import t from 'tap'
import { readinessOf, searchCheck } from '../src/readiness.ts'

const pool = { query: async () => ({ rows: [] }) } as unknown as Pool
const log = { checkpoint: async () => ({ treeHead: emptyTree, note: '' }) }

t.test('a search index that lags is told, and the log is ready all the same', async (t) => {
  const room = { isFull: () => false }
  const readiness = (backlog: bigint) =>
    readinessOf({ pool, room, log, more: () => ({ search: searchCheck(backlog) }) })
  t.match(await readiness(0n), { ready: true, checks: { search: 'ok' } })
  t.match(await readiness(1n), { ready: true, checks: { search: 'entries to index: 1' } })
})

t.test('a database without room makes the log unready, and the rest is told beside it', async (t) => {
  const room = { isFull: () => true }
  const more = () => ({ search: 'ok' })
  const checks = { database: /^has no room: new entries are refused/, checkpoint: 'ok', search: 'ok' }
  t.match(await readinessOf({ pool, room, log, more }), { ready: false, checks })
})

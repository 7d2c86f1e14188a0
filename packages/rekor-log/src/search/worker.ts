/**
 * The thread that follows the log, with a database connection of its own: what reads and parses every entry once more must
 * not take its time from the thread that answers writers.
 */
import { workerData } from 'node:worker_threads'
import { reasonOf } from '@sigstack/crypto'
import { createPool } from '@sigstack/postgres'
import { answerRequests, stepBack, tell } from '@sigstack/server/in-thread'
import type { ThreadData, Trouble } from './messages.ts'
import { searchKeysOfEntry } from './search-keys.ts'
import { createTurns } from './turn.ts'

const { databaseUrl, name = 'rekor-v1', logId } = workerData as ThreadData

stepBack()
const pool = createPool({
  connectionString: databaseUrl,
  maxConnections: 1,
  applicationName: 'log-search',
  onError: (error) => tell({ trouble: `a database connection broke: ${error.message}` } satisfies Trouble),
})
const turns = createTurns({
  pool,
  name,
  logId,
  searchKeysOf: searchKeysOfEntry,
  onError: (error) => tell({ trouble: reasonOf(error) } satisfies Trouble),
})
answerRequests(
  async () => ({ answer: await turns.take() }),
  () => void pool.end(),
)

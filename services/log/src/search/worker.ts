/**
 * The thread that follows the log, with a database connection of its own: what reads and parses every entry once more must
 * not take its time from the thread that answers writers.
 */
import { getPriority, setPriority } from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import { createPool } from '@sigstack/postgres'
import { searchKeysOfEntry } from '../faces/rekor-v1/index.ts'
import type { Reply, Request, ThreadData } from './messages.ts'
import { createTurns } from './turn.ts'

/** Behind everything that somebody waits for. */
const niceness = 10

const { databaseUrl, logId } = workerData as ThreadData
const reply = (message: Reply) => parentPort?.postMessage(message)

// There 0 is the calling thread; elsewhere it would be the whole process.
if (process.platform === 'linux' && getPriority(0) < niceness) setPriority(0, niceness)

const pool = createPool({
  connectionString: databaseUrl,
  maxConnections: 1,
  applicationName: 'log-search',
  onError: (error) => reply({ trouble: `a database connection broke: ${error.message}` }),
})
const turns = createTurns({
  pool,
  logId,
  searchKeysOf: searchKeysOfEntry,
  onError: (error) => reply({ trouble: reasonOf(error) }),
})

async function turn(): Promise<void> {
  try {
    reply({ turn: await turns.take() })
  } catch (error) {
    reply({ failed: reasonOf(error) })
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

parentPort?.on('message', (request: Request) => {
  if (request === 'turn') return void turn()
  parentPort?.close()
  void pool.end()
})

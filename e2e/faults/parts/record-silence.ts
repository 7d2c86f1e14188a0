/**
 * What is needed to explain afterwards why a client had no answer: written down while it waits. Each silence is a file of its own,
 * and only the first few are recorded, since one cause makes many.
 */
import { writeFile } from 'node:fs/promises'
import { loadavg } from 'node:os'
import path from 'node:path'
import { createPool } from '@sigstack/postgres'

export type SilenceRecorder = {
  /** Never throws. */
  record(url: string, request: string): void
  /** How many were recorded. */
  count(): number
}

const mostRecorded = 8

export function createSilenceRecorder(folder: string, databaseUrl: string): SilenceRecorder {
  let count = 0

  async function write(number: number, url: string, request: string): Promise<void> {
    const at = new Date().toISOString()
    const [ready, metrics, database] = await Promise.all([
      textOf(`${url}/readyz`),
      textOf(`${url}/metrics`),
      activityOf(databaseUrl),
    ])
    const silence = { at, url, request, load: loadavg(), ready, metrics, database }
    await writeFile(path.join(folder, `silence-${number}.json`), `${JSON.stringify(silence, null, 2)}\n`)
  }

  return {
    count: () => count,
    record: (url, request) => {
      if (count >= mostRecorded) return
      count++
      write(count, url, request).catch(() => undefined)
    },
  }
}

async function textOf(url: string): Promise<string> {
  try {
    return await (await fetch(url, { signal: AbortSignal.timeout(5_000) })).text()
  } catch (error) {
    return `no answer: ${String(error)}`
  }
}

/** Who holds a lock, and who waits for it. */
async function activityOf(databaseUrl: string): Promise<unknown> {
  const pool = createPool({ connectionString: databaseUrl, maxConnections: 1, queryTimeoutMs: 5_000 })
  try {
    const { rows } = await pool.query(
      `select pid, application_name, state, wait_event_type, wait_event, pg_blocking_pids(pid)::text as blocked_by,
              now() - xact_start as in_transaction, now() - query_start as in_query, left(query, 200) as query
         from pg_stat_activity where datname = current_database()`,
    )
    return rows
  } catch (error) {
    return `cannot be asked: ${String(error)}`
  } finally {
    await pool.end()
  }
}

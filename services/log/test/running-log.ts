/** A Rekor log as a service over a real database, for one test. */
import '@sigstack/signers/few-rounds'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createPool, type Pool } from '@sigstack/postgres'
import { testDatabase } from '@sigstack/postgres/testing'
import { createLogger } from '@sigstack/server'
import type { Test } from 'tap'
import { type RunningLog, readConfig, startLog } from '../src/index.ts'
import { proposalFor } from './support.ts'

export type LogUnderTest = RunningLog & {
  readonly pool: Pool
  readonly keysFolder: string
  /** Logs it, and gives the answer in one line. */
  append(artifact: string): Promise<string>
  read(at: string): Promise<string>
}

/** @param keysFolder Of the log that it continues; a folder without keys where it is left out. */
export async function startRekor(
  t: Test,
  {
    pool,
    connectionString,
    keysFolder,
    variables = {},
  }: {
    pool: Pool
    connectionString: string
    keysFolder: string
    variables?: Readonly<Record<string, string>>
  },
): Promise<LogUnderTest> {
  const config = readConfig(
    {
      LOG_FACE: 'rekor-v1',
      LOG_HOSTNAME: 'rekor.example.org',
      DATABASE_URL: connectionString,
      LOG_PORT: '0',
      LOG_KEY: path.join(keysFolder, 'key.pem'),
      ...variables,
    },
    'a password',
  )
  const log = await startLog(config, { logger: createLogger({ name: 'log', level: 'silent' }) })
  t.teardown(() => log.stop())
  return {
    ...log,
    pool,
    keysFolder,
    append: async (artifact) => {
      const answer = await fetch(`${log.url}/api/v1/log/entries`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(proposalFor(artifact)),
      })
      const text = (await answer.text()).trim()
      if (answer.status !== 201) throw new Error(text)
      return text
    },
    read: async (at) => (await fetch(`${log.url}${at}`)).text(),
  }
}

export async function emptyDatabase(t: Test): Promise<{ pool: Pool; connectionString: string }> {
  const { connectionString } = await testDatabase(t)
  const pool = createPool({ connectionString, maxConnections: 6 })
  t.teardown(() => pool.end())
  return { pool, connectionString }
}

/** Resolves when search finds everything below `length`. */
export async function indexedUpTo(pool: Pool, length: number): Promise<void> {
  for (;;) {
    const { rows } = await pool.query<{ next_index: bigint }>('select next_index from search_position')
    if (Number(rows[0]?.next_index ?? 0n) >= length) return
    await sleep(20)
  }
}

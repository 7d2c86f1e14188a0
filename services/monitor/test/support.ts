/** A monitor over a database of its own, asked over HTTP. */
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { type RunningMonitor, readConfig, type StartOptions, startMonitor } from '@sigstack/monitor'
import { type TestDatabase, testDatabase } from '@sigstack/postgres/testing'
import { createLogger } from '@sigstack/server'
import type { Test } from 'tap'

export const logger = createLogger({ name: 'monitor', level: 'silent' })

export type Answered = { readonly status: number; readonly body: Readonly<Record<string, unknown>> }

export type TestMonitor = RunningMonitor & {
  readonly database: TestDatabase
  readonly logsFile: string
  get(path: string): Promise<Answered>
  send(method: 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown): Promise<Answered>
}

export async function openMonitor(
  t: Test,
  options: {
    readonly logs?: readonly unknown[]
    readonly watches?: readonly unknown[]
    readonly settings?: Readonly<Record<string, string>>
    readonly start?: Partial<StartOptions>
    /** Of another monitor, to share it. */
    readonly database?: TestDatabase
  } = {},
): Promise<TestMonitor> {
  const { logs = [], watches = [], settings = {}, start = {} } = options
  const database = options.database ?? (await testDatabase(t))
  const folder = t.testdir({})
  const logsFile = path.join(folder, 'logs.json')
  const watchesFile = path.join(folder, 'watches.json')
  writeFileSync(logsFile, JSON.stringify({ logs }))
  writeFileSync(watchesFile, JSON.stringify({ watches }))
  const config = readConfig({
    MONITOR_PORT: '0',
    MONITOR_LOGS_FILE: logsFile,
    MONITOR_WATCHES_FILE: watchesFile,
    DATABASE_URL: database.connectionString,
    ...settings,
  })
  const monitor = await startMonitor(config, { logger, processMetrics: false, ...start })
  t.teardown(() => monitor.stop())
  const token = settings['MONITOR_TOKEN']
  const ask = async (method: string, where: string, body?: unknown): Promise<Answered> => {
    const answer = await fetch(`${monitor.url}${where}`, {
      method,
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    return { status: answer.status, body: text === '' ? {} : JSON.parse(text) }
  }
  return {
    ...monitor,
    database,
    logsFile,
    get: (where) => ask('GET', where),
    send: ask,
  }
}

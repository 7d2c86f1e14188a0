/** A monitor of ours with a memory of its own, which reads a whole log of the stack once. */
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { readConfig, startMonitor } from '@sigstack/monitor'
import { startEmbeddedPostgres } from '@sigstack/postgres'
import { createLogger } from '@sigstack/server'
import type { Session } from './client.ts'
import { escape, type FindingText, type MonitoredLog, type Watched } from './monitor-findings.ts'

type Finding = {
  readonly watch: string
  readonly leafIndex: string
  readonly subjects: readonly string[]
  readonly keys: readonly string[]
  readonly issuer?: string
}

type Page = { readonly findings: readonly Finding[]; readonly next?: string }

/** Sorted, in the words in which those of rekor-monitor are told. */
export async function ourFindings(
  { endpoints, folder }: Session,
  log: MonitoredLog,
  watched: Watched,
): Promise<readonly FindingText[]> {
  const { email, issuer, domain, key } = watched
  const watches = [
    { name: 'identity', subject: { exact: email }, issuer: { exact: issuer } },
    ...(domain === undefined ? [] : [{ name: 'name', subject: { regex: `.*@${escape(domain)}` } }]),
    ...(key === undefined ? [] : [{ name: 'key', key }]),
  ]
  const url = `${endpoints.services[log]}`
  const logsFile = path.join(folder, 'monitored-logs.json')
  const watchesFile = path.join(folder, 'watches.json')
  await writeFile(
    logsFile,
    JSON.stringify({ logs: [{ name: log, kind: log === 'ct' ? 'ct' : 'rekor-v1', url }] }),
  )
  await writeFile(watchesFile, JSON.stringify({ watches }))
  const database = await startEmbeddedPostgres({ dataDirectory: path.join(folder, `memory of ${log}`) })
  try {
    const monitor = await startMonitor(
      readConfig({
        MONITOR_PORT: '0',
        MONITOR_LOGS_FILE: logsFile,
        MONITOR_WATCHES_FILE: watchesFile,
        MONITOR_TRUSTED_ROOT_URL: endpoints.trust.trustedRoot,
        DATABASE_URL: database.connectionString,
      }),
      { logger: createLogger({ name: 'monitor', level: 'silent' }), processMetrics: false, rounds: false },
    )
    try {
      while (await monitor.look());
      return await findingsOf(monitor.url)
    } finally {
      await monitor.stop()
    }
  } finally {
    await database.stop()
  }
}

async function findingsOf(url: string): Promise<readonly FindingText[]> {
  const get = async (where: string): Promise<unknown> => (await fetch(`${url}/api/v1/${where}`)).json()
  const { watches } = (await get('watches')) as {
    readonly watches: readonly { readonly id: string; readonly name: string }[]
  }
  const names = new Map(watches.map(({ id, name }) => [id, name]))
  const texts: FindingText[] = []
  for (let cursor: string | undefined = ''; cursor !== undefined; ) {
    const more: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`
    const page = (await get(`findings?limit=200${more}`)) as Page
    texts.push(...page.findings.map((finding) => textOf(finding, names.get(finding.watch))))
    cursor = page.next
  }
  return texts.toSorted()
}

/** What met the watch stands first. */
function textOf({ leafIndex, subjects, keys, issuer }: Finding, watch: string | undefined): FindingText {
  const who = watch === 'key' ? keys[0] : watch === 'name' ? subjects[0] : `${subjects[0]} ${issuer}`
  return `${watch} ${leafIndex} ${who}`
}

/** What a running log says of itself: its checkpoint, and those of all its shards. */
import { isObject } from '@sigstack/crypto'
import type { Route } from '@sigstack/http-client'
import type { CheckpointSource } from '@sigstack/rekor-log'
import { dataFolder, readEndpoints } from './endpoints.ts'
import { CliError } from './errors.ts'
import type { Io } from './io.ts'
import { readLocation } from './location.ts'

/** Where the checkpoints of the running stack's log are. */
export async function checkpointsUrl(
  io: Io,
  options: { readonly data?: string; readonly log: string },
): Promise<string> {
  const { log } = options
  const { services } = await readEndpoints(dataFolder(io, options.data))
  const [kind = '', later] = log.split('/')
  const url = services[kind === 'rekor-v1' ? 'rekor' : kind]
  if (url === undefined) {
    throw new CliError('bad_endpoints', `the stack names no log ${log}`, {
      advice: 'Name the file or URL of its checkpoints.',
    })
  }
  if (kind === 'rekor-v1') return `${url}/api/v1/log`
  if (later === undefined) return `${url}/checkpoint`
  if (kind === 'ct') return `${url}/${later}/checkpoint`
  const origin = (await originsAt(url))[Number(later)]
  if (origin === undefined) throw new CliError('bad_endpoints', `the log at ${url} tells of no ${log}`)
  return `${url}${pathOfShard(origin)}/checkpoint`
}

/** Where the log of Rekor v2 for new entries is, on this machine; `url` is that of the first. */
export async function newestShardUrl(url: string, route?: Route): Promise<string> {
  const origins = await originsAt(url, route)
  const newest = origins.at(-1)
  return newest === undefined || origins.length === 1 ? url : `${url}${pathOfShard(newest)}`
}

function pathOfShard(origin: string): string {
  return `/shards/${encodeURIComponent(origin)}`
}

/** Of the logs that serve, oldest first. */
async function originsAt(url: string, route?: Route): Promise<readonly string[]> {
  const list: unknown = parseJson(await readLocation(`${url}/api/v2/log/shards`, 'list of logs', route))
  const logs: readonly unknown[] = isObject(list) && Array.isArray(list['logs']) ? list['logs'] : []
  return logs.flatMap((log) =>
    isObject(log) && typeof log['origin'] === 'string' && log['state'] !== 'prepared' ? [log['origin']] : [],
  )
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export async function readCheckpoints(location: string): Promise<CheckpointSource> {
  return { where: location, text: await readLocation(location, 'checkpoint of the log') }
}

/** Looks at the log's heads again and again, as a monitor does, and holds them. */
import { setTimeout as sleep } from 'node:timers/promises'
import { parseCheckpoint } from '@sigstack/checkpoint'
import type { Checker } from './checker.ts'

const everyMs = 250

/** Never ends. Rejects when a head contradicts another, or shows less than was answered before it was asked for. */
export async function watch(checker: Checker, urls: readonly string[]): Promise<never> {
  for (;;) {
    for (const url of urls) await look(checker, url)
    await sleep(everyMs)
  }
}

async function look(checker: Checker, url: string): Promise<void> {
  const answered = checker.largest()
  for (const note of await checkpointsOf(url)) {
    await checker.holdCheckpoint(note)
    const { origin, treeHead } = parseCheckpoint(note)
    // Whatever was answered before this question is below this head, whichever replica answered.
    const before = answered.get(origin) ?? 0
    if (treeHead.size < before)
      throw new Error(`${url} shows ${treeHead.size} entries of ${origin} after ${before} were signed for`)
  }
}

/** None while the log is away: that is what a fault run is about. */
async function checkpointsOf(url: string): Promise<readonly string[]> {
  const info = await read(`${url}/api/v1/log`)
  const note = await read(`${url}/checkpoint`)
  if (info === undefined || note === undefined) return []
  const { signedTreeHead, inactiveShards } = JSON.parse(info) as {
    signedTreeHead: string
    inactiveShards: { signedTreeHead: string }[]
  }
  return [note, signedTreeHead, ...inactiveShards.map((shard) => shard.signedTreeHead)]
}

async function read(url: string): Promise<string | undefined> {
  let answer: Response
  let text: string
  try {
    answer = await fetch(url, { signal: AbortSignal.timeout(20_000) })
    text = await answer.text()
  } catch {
    return undefined
  }
  if (answer.status === 503) return undefined
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${text}`)
  return text
}

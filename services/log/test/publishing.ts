/** Events of a log under test, to whatever receiver a test has. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import type { Receiver } from '../src/events/cursor.ts'
import type { NewEntryEvent } from '../src/events/event.ts'
import { openPublisher, type Publisher } from '../src/events/publish.ts'
import { newEntryEvent, readEntriesFrom } from '../src/faces/rekor-v1/index.ts'
import { json, proposalFor, type RekorUnderTest } from './support.ts'

export type Deliver = (events: readonly NewEntryEvent[], signal: AbortSignal) => Promise<void>

export function publish(
  { log, shard, database }: RekorUnderTest,
  receiver: Receiver,
  deliver: Deliver,
  options: { onError?: (error: unknown) => void; leaseMs?: number } = {},
): Promise<Publisher> {
  return openPublisher({
    pool: database.pool,
    logId: log.logId,
    receiver,
    length: async () => (await log.treeHead()).size,
    readEntries: (start, count) => readEntriesFrom({ list: () => [shard] }, start, count),
    deliver: async (entries, signal) => deliver(await Promise.all(entries.map(newEntryEvent)), signal),
    batch: 10,
    pollMs: 20,
    longestPauseMs: 50,
    onError: () => {},
    ...options,
  })
}

export async function propose(t: Test, { app }: RekorUnderTest, proposal: unknown): Promise<string> {
  const payload = JSON.stringify(proposal)
  const answer = await app.inject({ method: 'POST', url: '/api/v1/log/entries', headers: json, payload })
  t.equal(answer.statusCode, 201)
  return answer.headers['etag'] as string
}

/** Their IDs, in order. */
export async function proposeMany(
  t: Test,
  rekor: RekorUnderTest,
  name: string,
  count: number,
): Promise<readonly string[]> {
  const ids: string[] = []
  for (let i = 0; i < count; i++) ids.push(await propose(t, rekor, proposalFor(`${name} ${i}`)))
  return ids
}

export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 300 && !(await condition()); i++) await sleep(20)
}

/** Events of a log under test, to whatever receiver a test has. */
import { setTimeout as sleep } from 'node:timers/promises'
import { readEntriesFrom } from '@sigstack/rekor-log'
import type { Test } from 'tap'
import type { Receiver } from '../src/events/cursor.ts'
import { createDelivery, type RefusedOutcome, type Send } from '../src/events/deliver.ts'
import type { NewEntryEvent } from '../src/events/event.ts'
import { openPublisher, type Publisher } from '../src/events/publish.ts'
import { newEntryEvent } from '../src/faces/rekor-v1/index.ts'
import { json, proposalFor, type RekorUnderTest } from './support.ts'

export type Deliver = Send

export function publish(
  { log, shard, database }: RekorUnderTest,
  receiver: Receiver,
  send: Send,
  options: {
    onError?: (error: unknown) => void
    leaseMs?: number
    atOnce?: number
    onRefused?: (event: NewEntryEvent, outcome: RefusedOutcome) => void
  } = {},
): Promise<Publisher> {
  const { atOnce = 10, onRefused = () => {}, ...others } = options
  const readEntries = (start: bigint, count: number) => readEntriesFrom({ list: () => [shard] }, start, count)
  const length = async () => (await log.treeHead()).size
  const deliver = createDelivery({
    send,
    atOnce,
    newest: async () => {
      const [placed] = await readEntries((await length()) - 1n, 1)
      return placed && newEntryEvent(placed)
    },
    onRefused,
  })
  return openPublisher({
    pool: database.pool,
    logId: log.logId,
    receiver,
    length,
    readEntries,
    deliver: async (entries, signal, failures) =>
      deliver(await Promise.all(entries.map(newEntryEvent)), signal, failures),
    batch: 10,
    pollMs: 20,
    longestPauseMs: 50,
    onError: () => {},
    ...others,
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
  for (let i = 0; i < 3_000 && !(await condition()); i++) await sleep(20)
}

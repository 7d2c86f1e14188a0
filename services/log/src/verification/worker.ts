/** The thread: parses bodies and verifies what they propose. */
import { parentPort, workerData } from 'node:worker_threads'
import { asBuffer } from '@sigstack/crypto'
import type { Answer, Outcome, Reply, Request, Task, ThreadData } from './messages.ts'
import { verifyParsed, verifyText } from './verify-text.ts'

/** More are refused by the endpoint, unverified. */
const mostEntries = 10
const { policy } = workerData as ThreadData

async function run(task: Task): Promise<Answer> {
  if (task.kind === 'texts') {
    // Side by side: where there are cores to spare, signatures are checked on the thread pool.
    return { outcomes: await Promise.all(task.texts.map((text) => verifyText(text, policy))) }
  }
  const text = asBuffer(task.bytes).toString()
  return task.kind === 'entry' ? { outcomes: [await verifyText(text, policy)] } : runQuery(text)
}

async function runQuery(text: string): Promise<Answer> {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    return { outcomes: [{ badJson: true }] }
  }
  if (typeof body !== 'object' || body === null || !('entries' in body)) return { query: body, outcomes: [] }
  const { entries: proposals } = body
  if (!Array.isArray(proposals))
    return { query: { ...body, entries: proposals === null ? null : '' }, outcomes: [] }
  // Their number is all that the endpoint still needs of them.
  const query = {
    ...body,
    entries: Array.from({ length: Math.min(proposals.length, mostEntries + 1) }, () => null),
  }
  if (proposals.length > mostEntries) return { query, outcomes: [] }
  const outcomes: Outcome[] = []
  for (const proposal of proposals) outcomes.push(await verifyParsed(proposal, policy))
  return { query, outcomes }
}

/** The bytes of all entries in one piece of memory, which changes hands instead of being copied while the other thread waits. */
function inOnePiece({ outcomes, ...rest }: Answer): { answer: Answer; memory: ArrayBuffer } {
  let length = 0
  for (const outcome of outcomes) {
    if ('value' in outcome)
      length += outcome.value.body.length + (outcome.value.attestation?.bytes.length ?? 0)
  }
  const whole = new Uint8Array(length)
  let end = 0
  const moved = (bytes: Uint8Array): Uint8Array => {
    whole.set(bytes, end)
    end += bytes.length
    return whole.subarray(end - bytes.length, end)
  }
  const movedOutcomes = outcomes.map((outcome) => {
    if (!('value' in outcome)) return outcome
    const { attestation, ...entry } = outcome.value
    const body = moved(entry.body)
    if (attestation === undefined) return { value: { ...entry, body } }
    return { value: { ...entry, body, attestation: { ...attestation, bytes: moved(attestation.bytes) } } }
  })
  return { answer: { ...rest, outcomes: movedOutcomes }, memory: whole.buffer }
}

async function reply({ id, task }: Request): Promise<void> {
  try {
    const { answer, memory } = inOnePiece(await run(task))
    parentPort?.postMessage({ id, answer } satisfies Reply, [memory])
  } catch (error) {
    const failed = error instanceof Error ? String(error.stack) : String(error)
    parentPort?.postMessage({ id, failed } satisfies Reply)
  }
}

parentPort?.on('message', (request: Request) => void reply(request))
parentPort?.postMessage({ isReady: true } satisfies Reply)

/** The thread: parses bodies and verifies what they propose. */
import { workerData } from 'node:worker_threads'
import { asBuffer, parseBoundedJson, probeDigestVerification } from '@sigstack/crypto'
import { defaultWorkLimit, type EntryPolicy, type Verifier, withinWork } from '@sigstack/rekor-entries'
import { type Answered, answerRequests } from '@sigstack/server/in-thread'
import type { Answer, Outcome, Request, Task, ThreadData } from './messages.ts'
import { verifyParsed, verifyText } from './verify-text.ts'

/** More are refused by the endpoint, unverified. */
const mostEntries = 10
const { policy: settings } = workerData as ThreadData

async function run(task: Task, policy: EntryPolicy): Promise<Answer> {
  if (task.kind === 'texts') {
    // Side by side: where there are cores to spare, signatures are checked on the thread pool.
    return { outcomes: await Promise.all(task.texts.map((text) => verifyText(text, policy))) }
  }
  const text = asBuffer(task.bytes).toString()
  return task.kind === 'entry' ? { outcomes: [await verifyText(text, policy)] } : runQuery(text, policy)
}

async function runQuery(text: string, policy: EntryPolicy): Promise<Answer> {
  let body: unknown
  try {
    body = parseBoundedJson(text)
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
  // They come in one request, which costs no more than one write.
  await withinWork(policy.workLimit ?? defaultWorkLimit, async () => {
    for (const proposal of proposals) outcomes.push(await verifyParsed(proposal, policy))
  })
  return { query, outcomes }
}

/** The bytes of all entries in one piece of memory, which changes hands instead of being copied while the other thread waits. */
function inOnePiece({ outcomes, ...rest }: Answer): Answered<Answer> {
  let length = 0
  for (const outcome of outcomes) {
    if (!('value' in outcome)) continue
    const { body, attestation, verifiers } = outcome.value
    length += body.length + (attestation?.bytes.length ?? 0)
    for (const { spki, chain, signatures = [] } of verifiers)
      for (const bytes of [...(spki === undefined ? [] : [spki]), ...chain, ...signatures])
        length += bytes.length
  }
  const whole = new Uint8Array(length)
  let end = 0
  const moved = (bytes: Uint8Array): Uint8Array => {
    whole.set(bytes, end)
    end += bytes.length
    return whole.subarray(end - bytes.length, end)
  }
  const movedVerifier = ({ spki, chain, signatures, ...verifier }: Verifier): Verifier => ({
    ...verifier,
    chain: chain.map(moved),
    ...(signatures !== undefined && { signatures: signatures.map(moved) }),
    ...(spki !== undefined && { spki: moved(spki) }),
  })
  const movedOutcomes = outcomes.map((outcome) => {
    if (!('value' in outcome)) return outcome
    const { attestation, ...entry } = outcome.value
    const value = { ...entry, body: moved(entry.body), verifiers: entry.verifiers.map(movedVerifier) }
    if (attestation === undefined) return { value }
    return { value: { ...value, attestation: { ...attestation, bytes: moved(attestation.bytes) } } }
  })
  return { answer: { ...rest, outcomes: movedOutcomes }, memory: [whole.buffer] }
}

// Each thread finds out for itself, once, by which way signatures are verified fastest here.
await probeDigestVerification()
answerRequests<Request, Answer>(async ({ atMs, task }) =>
  inOnePiece(await run(task, { ...settings, now: () => new Date(atMs) })),
)

/** The thread: parses a large body and verifies what it proposes. Millions of bytes take it longer than other requests should wait. */
import { parentPort, workerData } from 'node:worker_threads'
import { EntryError, type VerifiedEntry, verifyProposal } from '@sigstack/rekor-entries'
import type { Outcome, Task, TaskData, TaskResult } from './messages.ts'

/** More are refused by the endpoint, unverified. */
const mostEntries = 10
const { policy } = workerData as TaskData

async function verify(proposal: unknown): Promise<Outcome<VerifiedEntry>> {
  try {
    return { value: await verifyProposal(proposal, policy) }
  } catch (error) {
    if (!(error instanceof EntryError)) throw error
    const { code, message, schemaFault } = error
    return { refusal: { code, message, ...(schemaFault !== undefined && { schemaFault }) } }
  }
}

async function run({ id, task, bytes }: Task): Promise<TaskResult> {
  let body: unknown
  try {
    body = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString())
  } catch {
    return { id, badJson: true }
  }
  if (task === 'entry') return { id, entry: await verify(body) }
  if (typeof body !== 'object' || body === null || !('entries' in body))
    return { id, query: body, entries: [] }
  const { entries: proposals } = body
  if (!Array.isArray(proposals))
    return { id, query: { ...body, entries: proposals === null ? null : '' }, entries: [] }
  // Their number is all that the endpoint still needs of them.
  const query = {
    ...body,
    entries: Array.from({ length: Math.min(proposals.length, mostEntries + 1) }, () => null),
  }
  if (proposals.length > mostEntries) return { id, query, entries: [] }
  const entries: Outcome<VerifiedEntry>[] = []
  for (const proposal of proposals) entries.push(await verify(proposal))
  return { id, query, entries }
}

/** Attestations are large: they change hands instead of being copied while the other thread waits. */
function ownAttestation(result: TaskResult): { result: TaskResult; transfer: ArrayBuffer[] } {
  if (!('entry' in result) || !('value' in result.entry)) return { result, transfer: [] }
  const { attestation, ...rest } = result.entry.value
  if (attestation === undefined) return { result, transfer: [] }
  const bytes = Uint8Array.from(attestation.bytes)
  const value = { ...rest, attestation: { key: attestation.key, bytes } }
  return { result: { id: result.id, entry: { value } }, transfer: [bytes.buffer] }
}

async function answer(task: Task): Promise<void> {
  try {
    const { result, transfer } = ownAttestation(await run(task))
    parentPort?.postMessage(result, transfer)
  } catch (error) {
    const failed = error instanceof Error ? String(error.stack) : String(error)
    parentPort?.postMessage({ id: task.id, failed } satisfies TaskResult)
  }
}

parentPort?.on('message', (task: Task) => void answer(task))

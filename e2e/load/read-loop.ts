/** A thread that reads without a pause until it is told to end: whoever measures has its own event loop for that. */
import { once } from 'node:events'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { closedLoop, type LoadResult } from '../support/load.ts'

type Reading = { readonly url: string; readonly clients: number; readonly requests: readonly Uint8Array[] }

const longestSeconds = 3_600

/** Reads begin at once; what is returned ends them. */
export function startReading(reading: Reading): () => Promise<LoadResult> {
  const worker = new Worker(new URL(import.meta.url), { workerData: reading })
  const result = once(worker, 'message') as Promise<[LoadResult]>
  return async () => {
    worker.postMessage('end')
    return (await result)[0]
  }
}

async function read({ url, clients, requests }: Reading): Promise<void> {
  const all = requests.map((request) => Buffer.from(request))
  let at = 0
  let reading = true
  parentPort?.once('message', () => {
    reading = false
  })
  const next = () => (reading ? all[at++ % all.length] : undefined)
  const load = { url: new URL(url), seconds: longestSeconds, status: 200, clients, next }
  parentPort?.postMessage(await closedLoop(load))
}

if (!isMainThread) await read(workerData as Reading)

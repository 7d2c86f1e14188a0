/** A thread that keeps live tails of the console open until it is told to end: whoever measures has its own event loop for that. */
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'

type Wanted = { readonly url: string; readonly count: number }

export type OpenTails = {
  /** How many bytes came. */
  end(): Promise<number>
}

/** Resolves when all of them are open. Throws where one is refused. */
export async function openTails(wanted: Wanted): Promise<OpenTails> {
  const worker = new Worker(new URL(import.meta.url), { workerData: wanted })
  await once(worker, 'message')
  return {
    end: async () => {
      const told = once(worker, 'message') as Promise<[number]>
      worker.postMessage('end')
      return (await told)[0]
    },
  }
}

/** One tail in this thread. */
export async function openTail(url: string): Promise<IncomingMessage> {
  const [answer] = (await once(get(url), 'response')) as [IncomingMessage]
  if (answer.statusCode === 200) return answer
  answer.destroy()
  throw new Error(`a tail was refused: ${answer.statusCode}`)
}

async function keepOpen({ url, count }: Wanted): Promise<void> {
  const tails = await Promise.all(Array.from({ length: count }, () => openTail(url)))
  let bytes = 0
  for (const tail of tails) tail.on('data', (part: Buffer) => (bytes += part.length)).on('error', () => {})
  parentPort?.once('message', () => {
    for (const tail of tails) tail.destroy()
    parentPort?.postMessage(bytes)
  })
  parentPort?.postMessage('open')
}

if (!isMainThread) await keepOpen(workerData as Wanted)

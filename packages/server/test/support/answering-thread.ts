/** A thread under test: what it is asked to do it does, and else it says which thread it is. */
import { writeFileSync } from 'node:fs'
import { threadId, workerData } from 'node:worker_threads'
import { answerRequests, tell } from '../../src/thread/answer-requests.ts'

const { endedFile } = (workerData ?? {}) as { readonly endedFile?: string }

answerRequests<string | Uint8Array<ArrayBuffer>, unknown>(
  (request) => {
    if (request === 'die') process.exit(3)
    if (request === 'break') setImmediate(() => raise('no memory'))
    if (request === 'break' || request === 'hang') return new Promise(() => {})
    if (request === 'throw') raise('not this one')
    if (request === 'news') tell({ about: request })
    if (typeof request === 'string') return { answer: { request, threadId } }
    return { answer: request, memory: [request.buffer] }
  },
  () => {
    if (endedFile !== undefined) writeFileSync(endedFile, 'put away')
  },
)

function raise(message: string): never {
  throw new Error(message)
}

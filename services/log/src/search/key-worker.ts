/** A thread that makes search keys of pages of entries; see `key-threads.ts`. */
import { setPriority } from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import { encodeReply, type KeysRequest, keysOfPage, parseRequest } from './key-messages.ts'

/** Behind everything that somebody waits for. */
const niceness = 10

const { logId } = workerData as { readonly logId: Uint8Array }

// There 0 is the calling thread; elsewhere it would be the whole process.
if (process.platform === 'linux') setPriority(0, niceness)

parentPort?.on('message', (request: KeysRequest) => {
  const reply = encodeReply(request, keysOfPage(logId, parseRequest(request)))
  parentPort?.postMessage(reply, [reply.counts.buffer, reply.keys.buffer])
})

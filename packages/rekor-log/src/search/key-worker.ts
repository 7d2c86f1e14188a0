/** A thread that makes search keys of pages of entries; see `key-threads.ts`. */
import { workerData } from 'node:worker_threads'
import { answerRequests, stepBack } from '@sigstack/server/in-thread'
import { encodeReply, type KeysReply, type KeysRequest, keysOfPage, parseRequest } from './key-messages.ts'

const { logId } = workerData as { readonly logId: Uint8Array }

stepBack()
answerRequests<KeysRequest, KeysReply>((request) => {
  const answer = encodeReply(request, keysOfPage(logId, parseRequest(request)))
  return { answer, memory: [answer.counts.buffer, answer.keys.buffer] }
})

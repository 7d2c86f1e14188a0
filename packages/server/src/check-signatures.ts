/** What runs in the thread of `openCheckThread`. */
import { answerChecks } from '@sigstack/crypto'
import { answerRequests } from './thread/answer-requests.ts'

answerRequests<Uint8Array, Uint8Array>(async (packed) => ({ answer: await answerChecks(packed) }))

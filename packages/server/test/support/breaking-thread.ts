/** A thread of checks that breaks off at each message. */
import { answerRequests } from '../../src/thread/answer-requests.ts'

answerRequests<Uint8Array, Uint8Array>(() => process.exit(3))

/** Stands in for the thread that verifies: it never ends with the text `hang`, dies of `die`, and finds no JSON in others. */
import { answerRequests } from '@sigstack/server/in-thread'
import type { Answer, Request } from '../src/verification/messages.ts'

answerRequests<Request, Answer>(({ task }) => {
  const texts = task.kind === 'texts' ? task.texts : [Buffer.from(task.bytes).toString()]
  if (texts.includes('die')) process.exit(1)
  if (texts.includes('hang')) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  return { answer: { outcomes: texts.map(() => ({ badJson: true })) } }
})

/** What a supervised thread runs. */
import { getPriority, setPriority } from 'node:os'
import { parentPort } from 'node:worker_threads'
import { reasonOf } from '@sigstack/crypto'
import type { Asked, Told } from './messages.ts'

/** `memory` changes hands instead of being copied while the other thread waits. */
export type Answered<Answer> = { readonly answer: Answer; readonly memory?: readonly ArrayBuffer[] }

/** Behind everything that somebody waits for. */
const niceness = 10

const say = (told: Told<unknown>, memory: readonly ArrayBuffer[] = []) =>
  parentPort?.postMessage(told, [...memory])

/** Tells who supervises something that was not asked for. */
export function tell(news: unknown): void {
  say({ news })
}

/** One request after another, so that it is known which one takes its time. `putAway` is called when the thread is to end by itself. */
export function answerRequests<Request, Answer>(
  answer: (request: Request) => Answered<Answer> | Promise<Answered<Answer>>,
  putAway: () => void = () => {},
): void {
  let last = Promise.resolve()
  parentPort?.on('message', (asked: Asked<Request>) => {
    if ('end' in asked) {
      parentPort?.close()
      putAway()
    } else last = last.then(() => reply(asked))
  })
  say({ isReady: true })

  async function reply({ id, request }: Extract<Asked<Request>, { id: number }>): Promise<void> {
    try {
      const answered = await answer(request)
      say({ id, answer: answered.answer }, answered.memory)
    } catch (error) {
      const stack = error instanceof Error ? error.stack : undefined
      say({ id, failed: { message: reasonOf(error), ...(stack !== undefined && { stack }) } })
    }
  }
}

/** The thread comes after those that answer people. Where 0 is the whole process, not the calling thread, nothing changes. */
export function stepBack(): void {
  if (process.platform === 'linux' && getPriority(0) < niceness) setPriority(0, niceness)
}

/** The fault run's end of the line to its checker. */
import { fork } from 'node:child_process'
import type { Counts, LogEntry } from './checker.ts'
import type { Answer, Question } from './messages.ts'

export type OutsideChecker = {
  /** Keys of the log, in PEM. */
  trust(keysPem: readonly string[]): Promise<void>
  /** Looks at these front doors from now on until it is stopped. */
  watch(urls: readonly string[]): Promise<void>
  hold(uuid: string, entry: LogEntry): Promise<void>
  confront(url: string): Promise<void>
  /** As of the last answer. */
  counts(): Counts
  stop(): void
}

type Asked = Question extends infer Each ? (Each extends Question ? Omit<Each, 'id'> : never) : never

/**
 * Every call rejects with what the checker has found against the log, whenever that was.
 *
 * @param evidenceFile Where it keeps what it holds.
 */
export function startOutsideChecker(evidenceFile: string): OutsideChecker {
  const child = fork(new URL('./process.ts', import.meta.url), [evidenceFile])
  const waiting = new Map<number, (answer: Answer) => void>()
  let counts: Counts = { answered: 0, treeHeads: 0, trees: 0 }
  let lastId = 0
  child.on('message', (answer: Answer) => {
    counts = answer.counts
    waiting.get(answer.id)?.(answer)
    waiting.delete(answer.id)
  })
  child.on('exit', () => {
    for (const [id, settle] of waiting) settle({ id, counts, error: 'the checker has ended' })
  })

  async function ask(question: Asked): Promise<void> {
    const id = ++lastId
    const { error } = await new Promise<Answer>((resolve) => {
      waiting.set(id, resolve)
      child.send({ ...question, id })
    })
    if (error !== undefined) throw new Error(error)
  }

  return {
    trust: (keysPem) => ask({ ask: 'trust', keysPem }),
    watch: (urls) => ask({ ask: 'watch', urls }),
    hold: (uuid, entry) => ask({ ask: 'hold', uuid, entry }),
    confront: (url) => ask({ ask: 'confront', url }),
    counts: () => counts,
    stop: () => child.disconnect(),
  }
}

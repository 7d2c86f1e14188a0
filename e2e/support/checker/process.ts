/** The checker as a process of its own: whatever happens to those it watches, it keeps what they have said. */
import { appendFile } from 'node:fs/promises'
import { parsePublicKeyPem, reasonOf } from '@sigstack/crypto'
import { createChecker } from './checker.ts'
import type { Answer, Question } from './messages.ts'
import { watch } from './watch.ts'

/** Answers as they came, one in each line: `sigstack log audit --answers` reads it. */
const [evidenceFile = '/dev/null'] = process.argv.slice(2)
const checker = createChecker()
let found: string | undefined

process.on('message', (question: Question) => {
  void answer(question)
    .catch((error: unknown) => {
      found ??= reasonOf(error)
    })
    .then(() => {
      const reply: Answer = {
        id: question.id,
        counts: checker.counts(),
        ...(found !== undefined && { error: found }),
      }
      process.send?.(reply)
    })
})
process.on('disconnect', () => process.exit())

async function answer(question: Question): Promise<void> {
  switch (question.ask) {
    case 'trust':
      for (const pem of question.keysPem) checker.trust(parsePublicKeyPem(pem))
      return
    case 'hold':
      await appendFile(evidenceFile, `${JSON.stringify({ [question.uuid]: question.entry })}\n`)
      return checker.hold(question.uuid, question.entry)
    case 'watch':
      watch(checker, question.urls).catch((error: Error) => {
        found ??= error.message
      })
      return
    case 'confront':
      return checker.confront(question.url)
  }
}

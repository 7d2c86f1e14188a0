/** What a command asks of whoever runs it, in cosign's words: a password, or whether to go on. */
import { quoted } from '@sigstack/crypto'
import { CliError } from './errors.ts'
import { readTextInput } from './files.ts'
import type { Io } from './io.ts'

/** The variable, which may be empty; else a person; else all of standard input. */
export async function askPassword(io: Io): Promise<string> {
  return io.environment['COSIGN_PASSWORD'] ?? (io.terminal ? typed(io, '') : all(io))
}

export async function askNewPassword(io: Io): Promise<string> {
  const given = io.environment['COSIGN_PASSWORD']
  if (given !== undefined) return given
  if (io.terminal === undefined) return all(io)
  const password = await typed(io, '')
  if ((await typed(io, ' again')) === password) return password
  throw new CliError('bad_usage', 'passwords do not match')
}

async function typed(io: Io, again: string): Promise<string> {
  io.err(`Enter password for private key${again}: `)
  return io.terminal?.secret() ?? ''
}

async function all(io: Io): Promise<string> {
  return readTextInput(io, '-', 'password')
}

/** Throws unless the answer is `y`. `yes` asks nothing. */
export async function demandConsent(io: Io, question: string, yes: boolean): Promise<void> {
  io.err(`WARNING: ${question}\n`)
  if (yes) return
  io.err('Are you sure you would like to continue? [y/N] ')
  const answer = await firstLine(io)
  if (answer === 'y' || answer === 'Y') return
  const isNo = answer === '' || answer === 'n' || answer === 'N'
  throw new CliError(
    'bad_usage',
    isNo ? 'user declined the prompt' : `invalid input ${quoted(answer)} (allowed values y, n)`,
  )
}

async function firstLine(io: Io): Promise<string> {
  let text = ''
  for await (const part of io.standardInput()) {
    text += Buffer.from(part).toString('latin1')
    if (text.includes('\n') || text.length > 1000) break
  }
  return (text.split('\n')[0] ?? '').trim()
}

export type Questions = {
  /** One line, without the blanks around it. Throws where there is none; `option` is what says it without being asked. */
  ask(question: string, option: string): Promise<string>
  close(): Promise<void>
}

const longestAnswer = 4096

/** Several questions, answered line by line on standard input. */
export function openQuestions(io: Io): Questions {
  const parts = io.standardInput()[Symbol.asyncIterator]()
  let text = ''
  let isAtEnd = false
  const line = async (): Promise<string> => {
    while (!text.includes('\n') && !isAtEnd && text.length <= longestAnswer) {
      const { value, done } = await parts.next()
      if (done === true) isAtEnd = true
      else text += Buffer.from(value).toString('utf8')
    }
    const [first = ''] = text.split('\n')
    text = text.slice(first.length + 1)
    return first.trim()
  }
  return {
    async ask(question, option) {
      io.err(`${question} `)
      const answer = await line()
      if (answer !== '' && answer.length <= longestAnswer) return answer
      throw new CliError('bad_usage', `there is no answer; ${option} says it without being asked`)
    },
    close: async () => void (await parts.return?.()),
  }
}

/** One question to whoever gives tokens, who is busy at times. No error repeats what was sent or came. */
import { memberAt } from '@sigstack/crypto'
import { type HttpAnswer, type HttpRequest, networkReason } from '@sigstack/http-client'
import { SigningError } from '../errors.ts'
import type { Exchange } from '../services/ask-service.ts'
import { tokenBounds } from './surroundings.ts'

const tries = 3

export type Question = Pick<HttpRequest, 'headers' | 'body' | 'route'> & {
  /** Who is asked, in words. */
  readonly who: string
  /** What to do where it refuses. */
  readonly advice: string
}

/** Throws `bad_token`. */
export async function ask(exchange: Exchange, url: string, question: Question): Promise<HttpAnswer> {
  const { who, advice, headers, body, route } = question
  let reason = ''
  for (let i = 0; i < tries; i++) {
    try {
      const answer = await exchange(url, {
        method: body === undefined ? 'GET' : 'POST',
        headers: { accept: 'application/json', ...headers },
        ...(body !== undefined && { body }),
        ...(route !== undefined && { route }),
        ...tokenBounds,
      })
      if (answer.status >= 200 && answer.status <= 299) return answer
      reason = `it answers with status ${answer.status}`
      if (answer.status < 500 && answer.status !== 429) break
    } catch (cause) {
      reason = networkReason(cause)
    }
  }
  throw new SigningError('bad_token', `${who} gives no identity token: ${reason}`, { advice })
}

export function tokenIn(who: string, answer: HttpAnswer, name: string): string {
  let token: unknown
  try {
    token = memberAt(JSON.parse(answer.text()), name)
  } catch {
    // Told below.
  }
  if (typeof token === 'string' && token !== '') return token
  throw new SigningError('bad_token', `${who} answers without an identity token`)
}

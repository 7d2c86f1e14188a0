/** Tokens of the trial issuer, which a stack runs only for trials. */
import { escaped, memberAt, withoutEnd } from '@sigstack/crypto'
import { type HttpAnswer, networkReason, type Route, requestBounded } from '@sigstack/http-client'
import type { Endpoints } from '../endpoints.ts'
import { CliError } from '../errors.ts'
import { throwIfUntrusted } from '../location.ts'

export type TrialIdentity = { readonly email?: string; readonly subject?: string; readonly audience?: string }

const limitBytes = 64 * 1024

export async function requestTrialToken(
  endpoints: Endpoints,
  identity: TrialIdentity,
  route?: Route,
): Promise<string> {
  if (endpoints.services['dev-issuer'] === undefined) {
    throw new CliError('no_token', 'this stack runs no trial issuer', {
      advice: `Get a token from its issuer, ${endpoints.issuer}.`,
    })
  }
  return askTrialIssuer(`${withoutEnd(endpoints.issuer, '/')}/trial/token`, identity, route)
}

/** Throws `not_running` where nobody answers, and `no_token`. */
export async function askTrialIssuer(url: string, identity: TrialIdentity, route?: Route): Promise<string> {
  let answer: HttpAnswer
  try {
    answer = await requestBounded(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify(identity),
      timeoutMs: 10_000,
      maxBytes: limitBytes,
      route,
    })
  } catch (cause) {
    throwIfUntrusted(url, cause)
    throw new CliError(
      'not_running',
      `the trial issuer at ${url} does not answer (${networkReason(cause)})`,
      { cause, advice: 'Start the stack with `sigstack up`.' },
    )
  }
  const text = answer.text()
  if (answer.status < 200 || answer.status > 299)
    throw new CliError(
      'no_token',
      `the trial issuer refused: ${escaped(reasonIn(text) ?? `status ${answer.status}`, 300)}`,
    )
  const token = tokenIn(text)
  if (token === undefined)
    throw new CliError('no_token', `the trial issuer at ${url} answers without a token`)
  return token
}

const tokenIn = (text: string) => textAt(text, 'token')

/** Problem details (RFC 9457) say it in `detail`. */
const reasonIn = (text: string) => textAt(text, 'detail')

function textAt(text: string, name: string): string | undefined {
  try {
    const found = memberAt(JSON.parse(text), name)
    return typeof found === 'string' ? found : undefined
  } catch {
    return undefined
  }
}

/** Tokens of the trial issuer, which a stack runs only for trials. */
import type { Endpoints } from '../endpoints.ts'
import { CliError } from '../errors.ts'
import { readBody } from '../location.ts'

export type TrialIdentity = { readonly email?: string; readonly subject?: string; readonly audience?: string }

const limitBytes = 64 * 1024

export async function requestTrialToken(endpoints: Endpoints, identity: TrialIdentity): Promise<string> {
  if (endpoints.services['dev-issuer'] === undefined) {
    throw new CliError('no_token', 'this stack runs no trial issuer', {
      advice: `Get a token from its issuer, ${endpoints.issuer}.`,
    })
  }
  const url = `${endpoints.issuer.replace(/\/+$/, '')}/trial/token`
  let response: Response
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify(identity),
      signal: AbortSignal.timeout(10_000),
    })
  } catch (cause) {
    throw new CliError('not_running', `the trial issuer at ${url} does not answer`, {
      cause,
      advice: 'Start the stack with `sigstack up`.',
    })
  }
  const text = await readBody(response, limitBytes)
  if (!response.ok) {
    throw new CliError(
      'no_token',
      `the trial issuer refused (status ${response.status}): ${text.slice(0, 300)}`,
    )
  }
  const token = tokenIn(text)
  if (token === undefined)
    throw new CliError('no_token', `the trial issuer at ${url} answers without a token`)
  return token
}

function tokenIn(text: string): string | undefined {
  try {
    const answer: unknown = JSON.parse(text)
    const found =
      typeof answer === 'object' && answer !== null && 'token' in answer ? answer.token : undefined
    return typeof found === 'string' ? found : undefined
  } catch {
    return undefined
  }
}

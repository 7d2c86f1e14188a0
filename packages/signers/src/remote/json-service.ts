/** Requests to the key services that speak JSON over HTTP: Google's, Azure's, Vault's. */
import { networkReason, requestBounded } from '@sigstack/http-client'
import { SignerError, type SignerErrorCode } from '../errors.ts'

export type JsonRequest = {
  readonly method: 'GET' | 'POST'
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
  readonly signal: AbortSignal
}

export type JsonService = {
  /** Of the key, for messages. */
  readonly uri: string
  /** As in "NAME refuses …". */
  readonly name: string
  /** The sentence in a refusal's body, in the service's own shape. */
  reasonOf(body: unknown): string | undefined
}

const longestAnswerBytes = 64 * 1024
const longestReason = 300
/** Behind the signal of whoever asks, which is the one that counts. */
const longestWaitMs = 120_000

/** The body of a 2xx answer. `secrets` are taken out of whatever the service says. Throws {@link SignerError}. */
export async function askService(
  service: JsonService,
  request: JsonRequest,
  secrets: readonly string[] = [],
): Promise<unknown> {
  const { uri, name } = service
  const { status, text } = await exchange(service, request)
  const body = parseJson(text)
  if (status >= 200 && status < 300) {
    if (body === undefined)
      throw new SignerError('unreachable', `${uri}: ${name} answers with something that is no JSON`)
    return body
  }
  const reason = withoutSecrets(service.reasonOf(body) ?? '', secrets)
  const told = reason === '' ? '' : `: ${reason}`
  throw new SignerError(codeOfStatus(status), `${uri}: ${name} answers ${sentenceOf(status)}${told}`)
}

async function exchange(
  { uri, name }: JsonService,
  { method, url, headers, body, signal }: JsonRequest,
): Promise<{ readonly status: number; readonly text: string }> {
  try {
    // A redirect is an answer: the credentials in the headers are for this service alone.
    const answer = await requestBounded(url, {
      method,
      headers: { accept: 'application/json', 'content-type': 'application/json', ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal,
      timeoutMs: longestWaitMs,
      maxBytes: longestAnswerBytes,
    })
    return { status: answer.status, text: answer.text() }
  } catch (cause) {
    const { host } = new URL(url)
    throw new SignerError(
      'unreachable',
      `${uri}: ${name} at ${host} cannot be reached: ${networkReason(cause)}`,
      {
        cause,
      },
    )
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

function codeOfStatus(status: number): SignerErrorCode {
  if (status === 401 || status === 403) return 'permission_denied'
  if (status === 404) return 'no_such_key'
  if (status === 408 || status === 429) return 'busy'
  return status >= 500 ? 'unreachable' : 'refused'
}

function sentenceOf(status: number): string {
  if (status === 401) return '401, the credentials are not accepted'
  if (status === 403) return '403, permission denied'
  if (status === 404) return '404, there is no such key'
  if (status === 429) return '429, too many requests'
  return String(status)
}

/** One line of bounded length. */
export function withoutSecrets(reason: string, secrets: readonly string[]): string {
  let text = reason
  for (const secret of secrets) if (secret !== '') text = text.replaceAll(secret, '[secret]')
  return text.replaceAll(/\s+/g, ' ').trim().slice(0, longestReason)
}

/** Why a vendor's library has found no credentials; `advice` tells how to give it some. */
export function credentialComplaint(
  uri: string,
  vendor: string,
  advice: string,
  cause: unknown,
): SignerError {
  const reason = withoutSecrets(networkReason(cause), [])
  if (/^E[A-Z]+$/.test(reason))
    return new SignerError(
      'unreachable',
      `${uri}: the credentials of ${vendor} cannot be reached: ${reason}`,
      { cause },
    )
  return new SignerError(
    'no_credentials',
    `${uri}: there are no credentials of ${vendor} that work (${reason}); ${advice}`,
    { cause },
  )
}

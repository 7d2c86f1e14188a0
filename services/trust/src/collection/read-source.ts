import { readFile } from 'node:fs/promises'
import { decodeText } from '@sigstack/crypto'
import { type HttpAnswer, HttpError, networkReason, requestBounded } from '@sigstack/http-client'
import { TrustError } from '../errors.ts'

/** Where a key comes from: the service itself, or a PEM file that the operator vouches for. */
export type KeySource = { readonly url: string } | { readonly file: string }

const limitBytes = 1 << 20
const limitMs = 10_000

/**
 * The text at `url`, at most 1 MiB of it within 10 s. Redirects are not followed: a key is taken from the
 * place the operator named, and from nowhere else.
 */
export async function readUrl(url: string, signal: AbortSignal): Promise<string> {
  const text = await readUrlIfThere(url, signal)
  if (text === undefined) throw new TrustError('source_unavailable', `${url} has nothing there`)
  return text
}

/** The same, but `undefined` for a service that has nothing there (404), or where it is switched off (501). */
export async function readUrlIfThere(url: string, signal: AbortSignal): Promise<string | undefined> {
  let answer: HttpAnswer
  try {
    answer = await requestBounded(url, { timeoutMs: limitMs, maxBytes: limitBytes, signal, route: 'direct' })
  } catch (cause) {
    const reason = networkReason(cause)
    if (cause instanceof HttpError && cause.code === 'too_large')
      throw new TrustError('source_unusable', `${url} answers with ${reason}`, { cause })
    throw new TrustError('source_unavailable', `${url} does not answer: ${reason}`, { cause })
  }
  if (answer.status === 404 || answer.status === 501) return undefined
  if (answer.status !== 200)
    throw new TrustError('source_unavailable', `${url} answers with status ${answer.status}`)
  return answer.text()
}

export async function readSourceFile(path: string): Promise<string> {
  try {
    return decodeText(await readFile(path))
  } catch (cause) {
    throw new TrustError('source_unusable', `${path} cannot be read`, { cause })
  }
}

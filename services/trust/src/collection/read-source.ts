import { readFile } from 'node:fs/promises'
import { TrustError } from '../errors.ts'

const limitBytes = 1 << 20
const limitMs = 10_000

/**
 * The text at `url`, at most 1 MiB of it within 10 s. Redirects are not followed: a key is taken from the
 * place the operator named, and from nowhere else.
 */
export async function readUrl(url: string, signal: AbortSignal): Promise<string> {
  const text = await readUrlIfThere(url, signal)
  if (text === undefined) throw new TrustError('source_unavailable', `${url} answers with status 404`)
  return text
}

/** The same, but `undefined` for a service that has nothing there (404). */
export async function readUrlIfThere(url: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    const response = await fetch(url, {
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(limitMs)]),
    })
    if (response.status !== 200) {
      await response.body?.cancel()
      if (response.status === 404) return undefined
      throw new TrustError('source_unavailable', `${url} answers with status ${response.status}`)
    }
    return await boundedText(response, url)
  } catch (cause) {
    if (cause instanceof TrustError) throw cause
    throw new TrustError('source_unavailable', `${url} does not answer`, { cause })
  }
}

export async function readSourceFile(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new TrustError('source_unusable', `${path} cannot be read`, { cause })
  }
}

async function boundedText(response: Response, url: string): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of response.body ?? []) {
    length += chunk.length
    if (length > limitBytes)
      throw new TrustError('source_unusable', `${url} answers with more than ${limitBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

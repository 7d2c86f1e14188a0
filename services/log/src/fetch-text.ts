/** A short text of a service beside the log, which answers soon or not at all. */
import { networkReason, requestBounded } from '@sigstack/http-client'

const answerTimeoutMs = 5_000

/** `what` are several, in the sentence that is thrown where they are not to be had. */
export async function fetchText(url: string, what: string, maxBytes: number): Promise<string> {
  const { status, text } = await requestBounded(url, {
    timeoutMs: answerTimeoutMs,
    maxBytes,
    route: 'direct',
  }).catch((cause: unknown) => {
    throw new Error(`${what} at ${url} cannot be read: ${networkReason(cause)}`, { cause })
  })
  if (status !== 200) throw new Error(`${what} at ${url} were answered with status ${status}`)
  return text()
}

/** Files and URLs in one: options and endpoints.json take either. */
import {
  type HttpAnswer,
  isCertificateTrouble,
  isOffline,
  networkReason,
  proxyAdvice,
  type Route,
  requestBounded,
} from '@sigstack/http-client'
import { fileReason, readFileBounded } from '@sigstack/http-client/files'
import { CliError } from './errors.ts'
import { textOf } from './io.ts'

const limitBytes = 1 << 20
const limitMs = 10_000

export function isUrl(location: string): boolean {
  return /^https?:\/\//i.test(location)
}

/** The text at a path or URL, at most 1 MiB. `what` is what the caller looks for, in words. */
export async function readLocation(location: string, what: string, route?: Route): Promise<string> {
  return textOf(await readBytes(location, what, route), location, what)
}

/** As it is there: what is signed or hashed counts with its byte order mark. */
export async function readBytes(location: string, what: string, route?: Route): Promise<Buffer> {
  return isUrl(location) ? readUrl(location, what, route) : readPath(location, what)
}

async function readPath(path: string, what: string): Promise<Buffer> {
  try {
    return await readFileBounded(path, limitBytes)
  } catch (cause) {
    throw new CliError('unreadable', `cannot read the ${what} at ${path} (${fileReason(cause)})`, { cause })
  }
}

async function readUrl(url: string, what: string, route?: Route): Promise<Buffer> {
  let answer: HttpAnswer
  try {
    answer = await requestBounded(url, {
      timeoutMs: limitMs,
      maxBytes: limitBytes,
      headers: { accept: '*/*' },
      followRedirects: true,
      route,
    })
  } catch (cause) {
    throwIfUntrusted(url, cause)
    throw new CliError(
      'unreachable',
      `${url} does not answer, so there is no ${what} (${networkReason(cause)})`,
      {
        cause,
        advice: isOffline(cause)
          ? 'Name a file in its place, or leave --no-network or --offline out.'
          : (proxyAdvice(cause) ?? 'Start the stack with `sigstack up`, or name another place for it.'),
      },
    )
  }
  const { status } = answer
  if (status < 200 || status > 299)
    throw new CliError('unreachable', `${url} answers with status ${status}, so there is no ${what}`, {
      ...(status === 503 && { advice: 'The stack is still starting; try again in a moment.' }),
    })
  return answer.bytes
}

/** Somebody answers there, so starting it would mend nothing. */
export function throwIfUntrusted(url: string, cause: unknown): void {
  if (isCertificateTrouble(cause))
    throw new CliError(
      'unreachable',
      `${url}: its certificate is not trusted here (${networkReason(cause)})`,
      { cause, advice: "NODE_EXTRA_CA_CERTS=FILE names your CA's certificates." },
    )
}

/** Files and URLs in one: options and endpoints.json take either. */
import { readFile, stat } from 'node:fs/promises'
import { CliError } from './errors.ts'
import { codeOf } from './io.ts'

const limitBytes = 1 << 20
const limitMs = 10_000

export function isUrl(location: string): boolean {
  return /^https?:\/\//i.test(location)
}

/** The text at a path or URL, at most 1 MiB. `what` is what the caller looks for, in words. */
export async function readLocation(location: string, what: string): Promise<string> {
  return isUrl(location) ? readUrl(location, what) : readPath(location, what)
}

async function readPath(path: string, what: string): Promise<string> {
  try {
    const { size } = await stat(path)
    if (size > limitBytes) throw new CliError('unreadable', `${path} is too large for a ${what}`)
    return await readFile(path, 'utf8')
  } catch (cause) {
    if (cause instanceof CliError) throw cause
    throw new CliError('unreadable', `cannot read the ${what} at ${path} (${codeOf(cause)})`, { cause })
  }
}

async function readUrl(url: string, what: string): Promise<string> {
  let response: Response
  try {
    response = await fetch(url, { signal: AbortSignal.timeout(limitMs), headers: { accept: '*/*' } })
  } catch (cause) {
    throw new CliError('unreachable', `${url} does not answer, so there is no ${what}`, {
      cause,
      advice: 'Start the stack with `sigstack up`, or name another place for it.',
    })
  }
  if (!response.ok) {
    await response.body?.cancel()
    throw new CliError(
      'unreachable',
      `${url} answers with status ${response.status}, so there is no ${what}`,
      {
        ...(response.status === 503 && { advice: 'The stack is still starting; try again in a moment.' }),
      },
    )
  }
  return readBody(response, limitBytes)
}

export async function readBody(response: Response, maximumBytes: number): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  try {
    for await (const chunk of response.body ?? []) {
      length += chunk.length
      if (length > maximumBytes) {
        throw new CliError('unreachable', `${response.url} answers with more than ${maximumBytes} bytes`)
      }
      chunks.push(chunk)
    }
  } catch (cause) {
    if (cause instanceof CliError) throw cause
    throw new CliError('unreachable', `the answer of ${response.url} broke off`, { cause })
  }
  return Buffer.concat(chunks).toString('utf8')
}

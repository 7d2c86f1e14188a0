/**
 * Programs `docker-credential-NAME`: `get` reads the registry and says credentials as JSON, `store` reads
 * them.
 */
import { escaped, withoutTokens } from '@sigstack/crypto'
import { ProgramError, runProgram } from '@sigstack/http-client'
import type { Credentials } from './credentials.ts'
import { OciError } from './errors.ts'
import { optionalText, parseObject, type Subject } from './json-reading.ts'

const mostOutputBytes = 256 * 1024
/** Some ask a service, or a person. */
const longestWaitMs = 120_000

/** Undefined where it has none for this registry. Throws {@link OciError} `bad_credentials`. */
export async function askCredentialHelper(
  name: string,
  registry: string,
  signal?: AbortSignal,
): Promise<Credentials | undefined> {
  const program = `docker-credential-${name}`
  const { status, stdout, stderr } = await run(program, 'get', registry, signal)
  if (status !== 0) {
    const words = `${stdout} ${stderr}`.trim()
    // The words of Docker's library for helpers; they come on the output, with status 1.
    if (words.includes('credentials not found')) return undefined
    throw new OciError(
      'bad_credentials',
      `${program} has no credentials for ${registry}: it ended with status ${status} and said ${escaped(withoutTokens(words), 300)}`,
    )
  }
  return parseHelperAnswer(stdout, program)
}

/** Throws {@link OciError} `bad_credentials`. */
export async function tellCredentialHelper(
  name: string,
  registry: string,
  { username, password }: { readonly username: string; readonly password: string },
): Promise<void> {
  const program = `docker-credential-${name}`
  const input = JSON.stringify({ ServerURL: registry, Username: username, Secret: password })
  const { status, stdout, stderr } = await run(program, 'store', input, undefined)
  if (status === 0) return
  const words = withoutSecret(`${stdout} ${stderr}`, password).trim()
  throw new OciError(
    'bad_credentials',
    `${program} does not keep the credentials for ${registry}: it ended with status ${status} and said ${escaped(withoutTokens(words), 300)}`,
  )
}

/** Some repeat what they were given. */
function withoutSecret(words: string, secret: string): string {
  if (secret === '') return words
  return words.replaceAll(secret, '[secret]').replaceAll(JSON.stringify(secret), '[secret]')
}

/** Throws {@link OciError} `bad_credentials`, without a word of the answer. */
export function parseHelperAnswer(text: string, program: string): Credentials | undefined {
  const subject: Subject = { what: `the answer of ${program}`, code: 'bad_credentials', mostNames: 100 }
  const answer = parseObject(text, subject)
  const username = optionalText(answer, 'Username', subject, mostOutputBytes) ?? ''
  const secret = optionalText(answer, 'Secret', subject, mostOutputBytes) ?? ''
  if (username === '' && secret === '') return undefined
  if (username === '<token>') return { kind: 'identity_token', token: secret }
  return { kind: 'basic', username, password: secret }
}

async function run(
  program: string,
  verb: 'get' | 'store',
  input: string,
  signal: AbortSignal | undefined,
): Promise<{ readonly status: number; readonly stdout: string; readonly stderr: string }> {
  try {
    const { status, stdout, stderr } = await runProgram(program, {
      words: [verb],
      input,
      maxBytes: mostOutputBytes,
      timeoutMs: longestWaitMs,
      signal,
    })
    return { status, stdout: stdout.toString(), stderr: stderr.toString() }
  } catch (cause) {
    if (!(cause instanceof ProgramError)) throw cause
    const advice = cause.code === 'missing' ? '; install it, or take it out of the docker config' : ''
    throw new OciError('bad_credentials', `the docker config names ${program}: ${cause.message}${advice}`, {
      cause,
    })
  }
}

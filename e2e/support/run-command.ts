/** Runs one command of a client and holds it to time, to the size of what it says, and to the loopback. */
import { spawn } from 'node:child_process'
import type { EgressGuard } from './egress-guard.ts'
import { InteropError } from './interop-error.ts'

export type Output = { readonly stdout: string; readonly stderr: string }

export type RunOptions = {
  readonly environment?: Readonly<Record<string, string>>
  readonly folder?: string
  readonly timeoutMs?: number
}

type WholeOptions = Required<RunOptions> & {
  /** Standard input; empty where it is not given. */
  readonly input?: string
}

export type Run = (command: string, args: readonly string[], options?: RunOptions) => Promise<Output>

const outputLimitBytes = 4 * 1024 * 1024

/**
 * Commands run one at a time, with nothing in their environment but what is given here. Throws an {@link InteropError} when one
 * cannot start, ends with another status than 0, takes too long, or asks for anything outside this machine.
 */
export function createRun(options: {
  readonly environment: Readonly<Record<string, string>>
  readonly folder: string
  readonly guard?: EgressGuard
}): Run {
  return async (command, args, more = {}) => {
    const askedBefore = options.guard?.asked.length ?? 0
    const { status, ...output } = await runToEnd(command, args, {
      environment: { ...options.environment, ...more.environment },
      folder: more.folder ?? options.folder,
      timeoutMs: more.timeoutMs ?? 180_000,
    })
    const outside = options.guard?.asked.slice(askedBefore) ?? []
    if (outside.length > 0) {
      throw new InteropError('went_outside', `asked for ${[...new Set(outside)].join(', ')}`)
    }
    if (status !== 0) throw new InteropError('failed', lastWords(output, status))
    return output
  }
}

/** Whatever its status is. */
export async function runToEnd(
  command: string,
  args: readonly string[],
  { environment, folder, timeoutMs, input }: WholeOptions,
): Promise<Output & { readonly status: number }> {
  const child = spawn(command, args, { cwd: folder, env: environment, stdio: ['pipe', 'pipe', 'pipe'] })
  // Who does not read it ends without it.
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  let bytes = 0
  for (const [stream, chunks] of [
    [child.stdout, stdout],
    [child.stderr, stderr],
  ] as const) {
    stream.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= outputLimitBytes) chunks.push(chunk)
    })
  }
  let timedOut = false
  const timer = setTimeout(() => {
    timedOut = true
    child.kill('SIGKILL')
  }, timeoutMs)
  try {
    const status = await new Promise<number>((resolve, reject) => {
      child.on('error', (cause) => {
        const message = cause.message.replace(/^spawn (\S+) ENOENT$/, '$1 is not on the PATH')
        reject(new InteropError('missing', message, { cause }))
      })
      child.on('close', (code) => resolve(code ?? 128))
    })
    if (timedOut) throw new InteropError('timed_out', `${command} did not end within ${timeoutMs} ms`)
    return { status, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() }
  } finally {
    clearTimeout(timer)
  }
}

/** The lines of its output that say most; tokens never are in it, since no client prints them. */
function lastWords({ stdout, stderr }: Output, status: number): string {
  const lines = `${stdout}\n${stderr}`
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  const telling = lines.filter(
    (line) => /error|fail|invalid|refus|match|input/i.test(line) && !/^For (further|detailed) /.test(line),
  )
  const words = telling.length > 0 ? telling.slice(-3).join('; ') : (lines.at(-1) ?? 'no output')
  return `status ${status}: ${words.replaceAll(/\s+/g, ' ').slice(0, 300)}`
}

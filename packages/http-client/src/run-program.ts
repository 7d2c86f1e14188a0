/** A program that is asked once, by its words and its standard input: bounded in time and size, whatever it leaves running. */
import { type ChildProcess, spawn } from 'node:child_process'
import { errorCode } from '@sigstack/crypto'

export type ProgramCall = {
  readonly words: readonly string[]
  readonly input: Uint8Array | string
  /** Default: that of this process. */
  readonly environment?: Readonly<Record<string, string | undefined>>
  /** `inherit`: what it says there is for whoever reads ours. Default: it is given back. */
  readonly standardError?: 'pipe' | 'inherit'
  /** Of both streams together. */
  readonly maxBytes: number
  readonly timeoutMs: number
  /** Its reason is thrown as it is. */
  readonly signal?: AbortSignal | undefined
}

/** `status` is 128 where a signal ended it. */
export type ProgramAnswer = { readonly status: number; readonly stdout: Buffer; readonly stderr: Buffer }

export type ProgramErrorCode =
  /** There is none of that name. */
  | 'missing'
  /** The system does not run it. */
  | 'unusable'
  /** It did not end in time. */
  | 'timeout'
  /** It says more than the caller takes. */
  | 'too_large'

/** Why a program gave no answer. The message is a phrase that suits a sentence of the caller's, as in `PROGRAM: it …`. */
export class ProgramError extends Error {
  override readonly name = 'ProgramError'
  readonly code: ProgramErrorCode
  constructor(code: ProgramErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/**
 * After its end its output is read for this long: another process that it has started may hold it open for ever, and
 * what it wrote itself is in the pipe.
 */
const graceMs = 1000

/** Throws {@link ProgramError}. */
export async function runProgram(program: string, call: ProgramCall): Promise<ProgramAnswer> {
  const { words, input, environment, standardError = 'pipe', maxBytes, timeoutMs, signal } = call
  signal?.throwIfAborted()
  const child: ChildProcess = spawn(program, words, {
    ...(environment !== undefined && { env: environment }),
    stdio: ['pipe', 'pipe', standardError],
  })
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const streams = { stdout: [] as Buffer[], stderr: [] as Buffer[] }
  let bytes = 0
  for (const name of ['stdout', 'stderr'] as const)
    child[name]?.on('data', (piece: Buffer) => {
      bytes += piece.length
      if (bytes > maxBytes) reject(new ProgramError('too_large', `it says more than ${maxBytes} bytes`))
      else streams[name].push(piece)
    })
  child.on('error', (cause) => reject(startTrouble(cause)))
  child.on('close', (code) => resolve(code ?? 128))
  child.on('exit', () => setTimeout(() => letGo(child), graceMs).unref())
  const late = setTimeout(
    () => reject(new ProgramError('timeout', `it did not end within ${timeoutMs} ms`)),
    timeoutMs,
  )
  const onAbort = (): void => reject(signal?.reason)
  signal?.addEventListener('abort', onAbort)
  // It may end without reading.
  child.stdin?.on('error', () => undefined)
  child.stdin?.end(input)
  try {
    const status = await promise
    return { status, stdout: Buffer.concat(streams.stdout), stderr: Buffer.concat(streams.stderr) }
  } finally {
    clearTimeout(late)
    signal?.removeEventListener('abort', onAbort)
    child.kill('SIGKILL')
    letGo(child)
  }
}

function letGo({ stdin, stdout, stderr }: ChildProcess): void {
  for (const stream of [stdin, stdout, stderr]) stream?.destroy()
}

function startTrouble(cause: Error): ProgramError {
  return errorCode(cause) === 'ENOENT'
    ? new ProgramError('missing', 'there is no such program on the PATH', { cause })
    : new ProgramError('unusable', 'it cannot be run', { cause })
}

/** What a command may touch of its process, so that tests run it without one. */
import { readFile, writeFile } from 'node:fs/promises'
import { CliError } from './errors.ts'

export type Io = {
  readonly environment: Readonly<Record<string, string | undefined>>
  /** The words that call this tool from any folder: interpreter and script. */
  readonly self: readonly string[]
  /** The result, for the next program. */
  out(text: string): void
  /** Progress, warnings and success words, for people. */
  err(text: string): void
  readStandardInput(): Promise<Uint8Array>
}

export async function readInput(io: Io, path: string): Promise<Buffer> {
  if (path === '-') return Buffer.from(await io.readStandardInput())
  try {
    return await readFile(path)
  } catch (cause) {
    throw new CliError('unreadable', `cannot read ${path} (${codeOf(cause)})`, { cause })
  }
}

/** New files are private to their owner, as a bundle may name people. */
export async function writeOutput(io: Io, path: string, text: string): Promise<void> {
  if (path === '-') {
    io.out(text)
    return
  }
  try {
    await writeFile(path, text, { mode: 0o600 })
  } catch (cause) {
    throw new CliError('unwritable', `cannot write ${path} (${codeOf(cause)})`, { cause })
  }
}

export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason'
}

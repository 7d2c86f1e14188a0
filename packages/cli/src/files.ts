/** Files that commands read and write for their callers; `-` is standard input and output. */
import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { access, type FileHandle, lstat, open, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { fileReason, streamFile } from '@sigstack/http-client/files'
import { makeFolder } from '@sigstack/server/files'
import { CliError } from './errors.ts'
import { codeOf, type Io, textOf } from './io.ts'

/** Any file but what is signed: bundles are the largest. */
const limitBytes = 64 << 20
const partBytes = 1 << 20

export async function readInput(io: Io, path: string): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of streamInput(io, path)) {
    length += chunk.length
    if (length > limitBytes) throw new CliError('unreadable', `${path} is larger than ${limitBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

export async function readTextInput(io: Io, path: string, what: string): Promise<string> {
  return textOf(await readInput(io, path), path, what)
}

/** The bytes of a file of any size. */
export async function* streamInput(io: Io, path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* path === '-' ? io.standardInput() : streamFile(path, { partBytes })
  } catch (cause) {
    if (cause instanceof CliError) throw cause
    const name = path === '-' ? 'standard input' : path
    throw new CliError('unreadable', `cannot read ${name} (${fileReason(cause)})`, { cause })
  }
}

/**
 * Refuses a place that is one of `inputs` under whatever name, or a symbolic link: who may put one there would choose
 * which of the caller's files is overwritten.
 */
export async function demandOutput(path: string, inputs: readonly string[]): Promise<void> {
  if (path === '-') return
  const found = await lstat(path).catch(() => undefined)
  if (found === undefined) return
  if (found.isSymbolicLink())
    throw new CliError('unwritable', `${path} is a symbolic link, which is not followed to write`, {
      advice: 'Name the file itself; - is standard output.',
    })
  for (const input of inputs) {
    const other = await stat(input).catch(() => undefined)
    if (other !== undefined && other.dev === found.dev && other.ino === found.ino)
      throw new CliError('unwritable', `${path} is the same file as ${input}, which would be overwritten`, {
        advice: 'Name another file.',
      })
  }
}

/** The same for several, none of which may be another one. */
export async function demandOutputs(paths: readonly string[], inputs: readonly string[]): Promise<void> {
  const places = await Promise.all(
    paths.map(async (path) =>
      path === '-'
        ? path
        : join(await realpath(dirname(path)).catch(() => resolve(dirname(path))), basename(path)),
    ),
  )
  for (const [i, path] of paths.entries()) {
    const first = places.indexOf(places[i] ?? '')
    if (first !== i)
      throw new CliError('bad_usage', `${paths[first]} and ${path} are the same file; name two`)
    await demandOutput(path, [...inputs, ...paths.slice(0, i)])
  }
}

/** Refuses places where no file can be written, so that nothing is made that could not be kept. */
export async function demandWritable(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    if (path === '-') continue
    const found = await stat(path).catch(() => undefined)
    if (found?.isDirectory()) throw unwritable(path, 'EISDIR')
    try {
      // The mark at its end makes a folder of it, or an error.
      await access(found === undefined ? `${dirname(path)}/` : path, constants.W_OK)
    } catch (cause) {
      throw unwritable(path, codeOf(cause), cause)
    }
  }
}

/** The folder and those above it, where they are missing. */
export async function makeOutputFolder(path: string): Promise<void> {
  try {
    await makeFolder(path)
  } catch (cause) {
    throw new CliError('unwritable', `cannot make the folder ${path} (${codeOf(cause)})`, { cause })
  }
}

function unwritable(path: string, reason: string, cause?: unknown): CliError {
  return new CliError('unwritable', `cannot write ${path} (${reason})`, { cause })
}

/** New files are private to their owner unless `mode` says otherwise, as a bundle may name people. `inputs` are files that must survive. */
export async function writeOutput(
  io: Io,
  path: string,
  content: string | Uint8Array,
  inputs: readonly string[] = [],
  mode = 0o600,
): Promise<void> {
  if (path === '-') {
    io.file(content)
    return
  }
  await demandOutput(path, inputs)
  let file: FileHandle | undefined
  try {
    // Should a link have come since: it is not followed.
    const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW } = constants
    file = await open(path, O_WRONLY | O_CREAT | O_TRUNC | (O_NOFOLLOW ?? 0), mode)
    await file.writeFile(content)
  } catch (cause) {
    throw unwritable(path, codeOf(cause), cause)
  } finally {
    await file?.close()
  }
}

/** In place of whatever was there, which keeps its mode and its readers; there is no moment at which half of it is there. */
export async function replaceOutput(
  io: Io,
  path: string,
  content: string,
  inputs: readonly string[] = [],
): Promise<void> {
  if (path === '-') {
    io.file(content)
    return
  }
  await demandOutput(path, inputs)
  const partial = `${path}.${randomUUID()}.partial`
  try {
    await writeFile(partial, content, { flag: 'wx', mode: 0o600 })
    await rename(partial, path)
  } catch (cause) {
    await rm(partial, { force: true })
    throw new CliError('unwritable', `cannot write ${path} (${codeOf(cause)})`, { cause })
  }
}

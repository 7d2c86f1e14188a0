/**
 * Files that somebody names, or that lie where programs look for them: bounded, whatever they are. Loads nothing of the
 * client, so that a tool may take it: `@sigstack/http-client/files`.
 */
import { close, constants, createReadStream, fstat, open } from 'node:fs'
import { Socket } from 'node:net'
import { isatty, ReadStream } from 'node:tty'
import { promisify } from 'node:util'
import { errorCode } from '@sigstack/crypto'
import { HttpError } from './errors.ts'
import { readBounded } from './read-bounded.ts'

export type FileErrorCode =
  /** It has more bytes than the caller takes. */
  | 'too_large'
  /** It is a pipe or a device where a file is expected. */
  | 'not_regular'

/** Why a file that is there is not read. The message is a phrase that suits a sentence of the caller's. */
export class FileError extends Error {
  override readonly name = 'FileError'
  readonly code: FileErrorCode
  constructor(code: FileErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

export type FileOptions = {
  /**
   * A file that lies somewhere, for which nobody writes into a pipe just now: waiting would be in vain. Default: pipes
   * and devices are read too, as shells name the output of another program (`<(…)`).
   */
  readonly isRegular?: boolean
  /** Bytes of a part, of files that are no pipes. Default: 64 KiB. */
  readonly partBytes?: number
}

/** The whole file. Throws {@link FileError}, and what the file system throws. */
export async function readFileBounded(
  path: string,
  maxBytes: number,
  options?: FileOptions,
): Promise<Buffer> {
  try {
    return await readBounded(streamFile(path, options), maxBytes)
  } catch (cause) {
    if (!(cause instanceof HttpError)) throw cause
    throw new FileError('too_large', `it is larger than ${maxBytes} bytes`, { cause })
  }
}

/**
 * The bytes of a file of any size. To wait for a pipe takes no thread, which would keep the process from its end. Throws
 * {@link FileError} `not_regular`, and what the file system throws.
 */
export async function* streamFile(path: string, options: FileOptions = {}): AsyncGenerator<Uint8Array> {
  // Else a pipe that nobody writes into is waited for here already.
  const fd = await promisify(open)(path, constants.O_RDONLY | constants.O_NONBLOCK)
  let stream: AsyncIterable<Uint8Array>
  try {
    stream = await streamOf(fd, options)
  } catch (error) {
    await promisify(close)(fd)
    throw error
  }
  yield* stream
}

/** It closes `fd` when it ends or is left. */
async function streamOf(
  fd: number,
  { isRegular = false, partBytes }: FileOptions,
): Promise<AsyncIterable<Uint8Array>> {
  const stat = await promisify(fstat)(fd)
  // Reading a folder fails by itself.
  if (isRegular && !stat.isFile() && !stat.isDirectory())
    throw new FileError('not_regular', 'it is no regular file')
  if (stat.isFIFO()) return new Socket({ fd, readable: true, writable: false })
  if (isatty(fd)) return new ReadStream(fd)
  return createReadStream('', { fd, ...(partBytes !== undefined && { highWaterMark: partBytes }) })
}

/** Why a file was not read: the system's code where there is one (ENOENT), else words. */
export function fileReason(cause: unknown): string {
  return cause instanceof FileError ? cause.message : (errorCode(cause) ?? 'unknown reason')
}

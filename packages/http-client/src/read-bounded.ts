import { HttpError } from './errors.ts'

/**
 * The whole body, which comes from somebody else and may have no end: at most `maxBytes` of it are kept. Throws
 * {@link HttpError} `too_large`; what the stream itself throws passes. Leaving the loop ends the stream, and so the
 * connection.
 */
export async function readBounded(
  body: AsyncIterable<Uint8Array> | null | undefined,
  maxBytes: number,
): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of body ?? []) {
    bytes += chunk.length
    if (bytes > maxBytes) throw new HttpError('too_large', `more than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

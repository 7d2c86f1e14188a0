/** Pieces of known length out of a stream that comes in pieces of its own. */
import { Buffer } from 'node:buffer'

export type ByteReader = {
  /** Exactly that many bytes; undefined when the stream ends before. */
  read(count: number): Promise<Buffer | undefined>
  isAtEnd(): Promise<boolean>
}

export function createByteReader(source: AsyncIterable<Uint8Array>): ByteReader {
  const iterator = source[Symbol.asyncIterator]()
  let rest: Buffer = Buffer.alloc(0)

  async function fill(count: number): Promise<boolean> {
    const pieces: Uint8Array[] = [rest]
    let length = rest.length
    while (length < count) {
      const { done, value } = await iterator.next()
      if (done === true) break
      pieces.push(value)
      length += value.length
    }
    if (pieces.length > 1) rest = Buffer.concat(pieces)
    return length >= count
  }

  return {
    read: async (count) => {
      if (rest.length < count && !(await fill(count))) return undefined
      const bytes = rest.subarray(0, count)
      rest = rest.subarray(count)
      return bytes
    },
    isAtEnd: async () => !(await fill(1)),
  }
}

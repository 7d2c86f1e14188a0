/** Reading a zip file within limits: how many entries, how much they hold, how large what is kept in memory is. */
import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { asBuffer } from '@sigstack/crypto'
import { type Entry, fromBufferPromise, type ZipFile } from 'yauzl'
import { EntryError } from '../errors.ts'
import { parsing } from '../foreign.ts'

export type Archive = {
  readonly names: readonly string[]
  /** Unpacked size as the directory of the archive gives it; reading more than that fails. */
  readonly sizeOf: (name: string) => number | undefined
  readonly read: (name: string) => Promise<Uint8Array>
  /** Digests of one file, in Node's names of the algorithms; the file is never whole in memory. */
  readonly digest: (name: string, algorithms: readonly string[]) => Promise<readonly Uint8Array[]>
}

const entryLimit = 65_535
/** Of everything that is unpacked for one archive, whatever its size, and by its size: more than code or text shrinks by. */
const unpackedLimitBytes = 64 * 1024 * 1024
const unpackedFactor = 20

/** Of entries with one name the last counts. Throws `bad_format` and `too_large`. */
export async function openArchive(bytes: Uint8Array): Promise<Archive> {
  const { zip, entries } = await parsing('zip', () => readDirectory(bytes))
  const limitBytes = Math.max(unpackedLimitBytes, unpackedFactor * bytes.length)
  let unpackedBytes = 0
  const open = async (name: string): Promise<Readable> => {
    const entry = entries.get(name)
    if (entry === undefined) throw new EntryError('bad_format', `zip: no file ${name}`)
    unpackedBytes += entry.uncompressedSize
    if (unpackedBytes > limitBytes)
      throw new EntryError('too_large', `zip: more than ${limitBytes} unpacked bytes`)
    return zip.openReadStreamPromise(entry)
  }
  return {
    names: [...entries.keys()],
    sizeOf: (name) => entries.get(name)?.uncompressedSize,
    read: (name) =>
      parsing('zip', async () => {
        const chunks: Uint8Array[] = []
        for await (const chunk of chunksOf(await open(name))) chunks.push(chunk)
        return Buffer.concat(chunks)
      }),
    digest: (name, algorithms) =>
      parsing('zip', async () => {
        const hashes = algorithms.map((algorithm) => createHash(algorithm))
        for await (const chunk of chunksOf(await open(name))) for (const hash of hashes) hash.update(chunk)
        return hashes.map((hash) => hash.digest())
      }),
  }
}

async function readDirectory(bytes: Uint8Array): Promise<{ zip: ZipFile; entries: Map<string, Entry> }> {
  // Names are only compared, never made into paths: so any bytes will do.
  const zip = await fromBufferPromise(asBuffer(bytes), {
    autoClose: false,
    decodeStrings: false,
    lazyEntries: true,
  })
  if (zip.entryCount > entryLimit)
    throw new EntryError('too_large', `zip: more than ${entryLimit} files in the archive`)
  const entries = new Map<string, Entry>()
  for await (const entry of zip.eachEntry()) entries.set(entry.fileNameRaw.toString('utf8'), entry)
  return { zip, entries }
}

async function* chunksOf(stream: Readable): AsyncGenerator<Uint8Array> {
  for await (const chunk of stream) {
    const bytes: unknown = chunk
    if (bytes instanceof Uint8Array) yield bytes
  }
}

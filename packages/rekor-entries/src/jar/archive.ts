/** Reading a zip file within limits: how many entries, how much they hold, how large what is kept in memory is. */
import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { asBuffer, quoted } from '@sigstack/crypto'
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
const localHeaderBytes = 30
const localHeaderMagic = 0x04034b50
const directoryMagic = 0x02014b50
const directoryHeaderBytes = 46
/** Of the directory, in either form. */
const endMagics: ReadonlySet<number> = new Set([0x06054b50, 0x06064b50])
const descriptorMagic = 0x08074b50
/** Sizes stand behind the file, in a descriptor. */
const hasDescriptor = 0x08
/** Of everything that is unpacked for one archive, whatever its size, and by its size: more than code or text shrinks by. */
const unpackedLimitBytes = 64 * 1024 * 1024
const unpackedFactor = 20

/** Throws `bad_format` and `too_large`. */
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
  for await (const entry of zip.eachEntry()) {
    const name = entry.fileNameRaw.toString('utf8')
    // Some readers take the first, others the last.
    if (entries.has(name)) throw new EntryError('bad_format', `zip: two files ${quoted(name, 100)}`)
    entries.set(name, entry)
  }
  assertGapless(asBuffer(bytes), [...entries.values()])
  return { zip, entries }
}

/**
 * From the first byte to the directory there are the files that the directory names, under the same names, and nothing else: no
 * script before them, and none that only those find who read from the front.
 */
function assertGapless(bytes: Buffer, entries: readonly Entry[]): void {
  let end = 0
  for (const entry of entries.toSorted(
    (a, b) => a.relativeOffsetOfLocalHeader - b.relativeOffsetOfLocalHeader,
  )) {
    const start = entry.relativeOffsetOfLocalHeader
    const header = bytes.subarray(start, start + localHeaderBytes)
    if (start !== end || header.length < localHeaderBytes || header.readUInt32LE(0) !== localHeaderMagic)
      throw hidden()
    const nameEnd = start + localHeaderBytes + header.readUInt16LE(26)
    if (!bytes.subarray(start + localHeaderBytes, nameEnd).equals(entry.fileNameRaw)) throw hidden()
    end = nameEnd + header.readUInt16LE(28) + entry.compressedSize
    if (entry.generalPurposeBitFlag & hasDescriptor) end = descriptorEnd(bytes, end, entry)
  }
  assertWholeDirectory(bytes, end, entries.length)
}

/** It follows the files, and has as many entries as its end says: readers differ in which of the two they go by. */
function assertWholeDirectory(bytes: Buffer, start: number, count: number): void {
  let at = start
  for (let i = 0; i < count; i++) {
    const header = bytes.subarray(at, at + directoryHeaderBytes)
    if (header.length < directoryHeaderBytes || header.readUInt32LE(0) !== directoryMagic) throw hidden()
    at += directoryHeaderBytes + header.readUInt16LE(28) + header.readUInt16LE(30) + header.readUInt16LE(32)
  }
  if (at > bytes.length - 4 || !endMagics.has(bytes.readUInt32LE(at))) throw hidden()
}

/** Its magic is optional, and its sizes have four bytes or eight. */
function descriptorEnd(bytes: Buffer, start: number, { crc32, compressedSize }: Entry): number {
  const at = isAt(start, descriptorMagic) ? start + 4 : start
  if (!isAt(at, crc32) || !isAt(at + 4, compressedSize)) throw hidden()
  const end = at + 12
  return isAt(end, localHeaderMagic) || isAt(end, directoryMagic) ? end : at + 20

  function isAt(place: number, value: number): boolean {
    return place + 4 <= bytes.length && bytes.readUInt32LE(place) === value
  }
}

function hidden(): EntryError {
  return new EntryError('bad_format', 'zip: there is more in the archive than its directory names')
}

async function* chunksOf(stream: Readable): AsyncGenerator<Uint8Array> {
  for await (const chunk of stream) {
    const bytes: unknown = chunk
    if (bytes instanceof Uint8Array) yield bytes
  }
}

/** The body of `add-entries` (C2SP tlog-mirror): what it is of, then packages of at most 256 entries, each with its proof. */
import { parseUtf8 } from '@sigstack/crypto'
import { asHash, type Hash, hashBytes, type LeafRange, tileWidth } from '@sigstack/merkle'
import { WitnessError } from '../cosigning/errors.ts'
import type { ByteReader } from './byte-reader.ts'

export type UploadHeader = LeafRange & { readonly origin: string }

/** The rest of one bundle. Its proof is of the whole bundle up to `end`, and leads to the tree that ends with the upload. */
export type EntryPackage = LeafRange & {
  readonly bundleStart: bigint
  readonly entries: readonly Uint8Array[]
  readonly proof: readonly Hash[]
}

const width = BigInt(tileWidth)
const mostHashes = 63
/** PostgreSQL's bigint ends here. */
const largestSize = 2n ** 63n - 1n

/** The first entry of the bundle that `index` is in. */
export function bundleStartOf(index: bigint): bigint {
  return index - (index % width)
}

/** Throws `malformed`. Tickets are passed over: none is given out. */
export async function readUploadHeader(reader: ByteReader): Promise<UploadHeader> {
  const origin = parseUtf8(await demand(reader, await readUint16(reader)))
  const start = (await demand(reader, 8)).readBigUInt64BE()
  const end = (await demand(reader, 8)).readBigUInt64BE()
  await demand(reader, await readUint16(reader))
  if (origin === undefined || origin === '') throw bad('its origin is not UTF-8, or empty')
  if (start > end) throw bad(`it begins at ${start}, behind its end ${end}`)
  if (end > largestSize) throw bad('its tree is larger than any that is kept here')
  return { origin, start, end }
}

/** The package of an upload to `end` that begins at `start`; undefined when the body ends before the package does. Throws `malformed`. */
export async function readPackage(
  reader: ByteReader,
  start: bigint,
  uploadEnd: bigint,
): Promise<EntryPackage | undefined> {
  const bundleStart = bundleStartOf(start)
  const end = bundleStart + width < uploadEnd ? bundleStart + width : uploadEnd
  const entries: Uint8Array[] = []
  for (let index = start; index < end; index++) {
    const length = await reader.read(2)
    const entry = length && (await reader.read(length.readUInt16BE()))
    if (entry === undefined) return undefined
    entries.push(entry)
  }
  const [count] = (await reader.read(1)) ?? []
  if (count === undefined) return undefined
  if (count > mostHashes) throw bad(`a proof has more than ${mostHashes} hashes`)
  const hashes = await reader.read(count * hashBytes)
  if (hashes === undefined) return undefined
  const proof = Array.from({ length: count }, (_, at) =>
    asHash(hashes.subarray(at * hashBytes, (at + 1) * hashBytes)),
  )
  return { bundleStart, start, end, entries, proof }
}

async function readUint16(reader: ByteReader): Promise<number> {
  return (await demand(reader, 2)).readUInt16BE()
}

async function demand(reader: ByteReader, count: number): Promise<Buffer> {
  const bytes = await reader.read(count)
  if (bytes === undefined) throw bad('it ends before its first package')
  return bytes
}

function bad(why: string): WitnessError {
  return new WitnessError('malformed', `not an upload of entries: ${why}`)
}

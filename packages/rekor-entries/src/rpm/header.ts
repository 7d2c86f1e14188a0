/** The header structure of RPM files (RPM documentation, "Package file format"): a table of tags over a store of values. */
import { asBuffer } from '@sigstack/crypto'
import { EntryError } from '../errors.ts'

export type RpmHeader = {
  /** As it stands in the file, without padding behind it. */
  readonly bytes: Uint8Array
  readonly textOf: (tag: number) => string | undefined
  /** The first of the integers under `tag`, of any width. */
  readonly integerOf: (tag: number) => bigint | undefined
  readonly bytesOf: (tag: number) => Uint8Array | undefined
}

const introBytes = 16
const entryBytes = 16
const entryLimit = 65_536
const type = { int8: 2, int16: 3, int32: 4, int64: 5, text: 6, binary: 7, texts: 8, translated: 9 } as const
const integerBytes: ReadonlyMap<number, 1 | 2 | 4 | 8> = new Map([
  [type.int8, 1],
  [type.int16, 2],
  [type.int32, 4],
  [type.int64, 8],
])

/** Parses the header at `start`. Values are looked at when asked for, so a false table costs nothing. Throws `bad_format`. */
export function parseRpmHeader(file: Uint8Array, start: number): RpmHeader {
  const intro = asBuffer(file).subarray(start, start + introBytes)
  if (intro.length < introBytes) throw malformed('error reading RPM header: unexpected EOF')
  if (intro.readUInt32BE(0) !== 0x8eade801) throw malformed('bad magic for header')
  const entryCount = intro.readUInt32BE(8)
  const storeStart = start + introBytes + entryCount * entryBytes
  const end = storeStart + intro.readUInt32BE(12)
  if (entryCount > entryLimit || end > file.length)
    throw malformed('error reading RPM header table: unexpected EOF')
  const table = asBuffer(file).subarray(start + introBytes, storeStart)
  const store = asBuffer(file).subarray(storeStart, end)
  const entries = new Map<number, Entry>()
  for (let at = 0; at < table.length; at += entryBytes)
    entries.set(table.readUInt32BE(at), {
      type: table.readUInt32BE(at + 4),
      offset: table.readUInt32BE(at + 8),
      count: table.readUInt32BE(at + 12),
    })
  return {
    bytes: file.subarray(start, end),
    textOf: (tag) => textOf(entries.get(tag), store, tag),
    integerOf: (tag) => integerOf(entries.get(tag), store, tag),
    bytesOf: (tag) => bytesOf(entries.get(tag), store, tag),
  }
}

type Entry = { readonly type: number; readonly offset: number; readonly count: number }

function textOf(entry: Entry | undefined, store: Buffer, tag: number): string | undefined {
  if (entry === undefined) return undefined
  const isText = entry.type === type.text || entry.type === type.texts || entry.type === type.translated
  const zero = isText && entry.count > 0 ? store.indexOf(0, entry.offset) : -1
  if (zero === -1) throw malformed(`tag ${tag} is truncated`)
  return store.toString('utf8', entry.offset, zero)
}

function integerOf(entry: Entry | undefined, store: Buffer, tag: number): bigint | undefined {
  if (entry === undefined || entry.count === 0) return undefined
  const width = integerBytes.get(entry.type)
  if (width === undefined) throw malformed(`tag ${tag} isn't an int type`)
  if (entry.offset + width > store.length) throw malformed(`tag ${tag} is truncated`)
  return width === 8 ? store.readBigUInt64BE(entry.offset) : BigInt(store.readUIntBE(entry.offset, width))
}

function bytesOf(entry: Entry | undefined, store: Buffer, tag: number): Uint8Array | undefined {
  if (entry === undefined) return undefined
  if (entry.type !== type.binary)
    throw malformed(`unsupported datatype for bytes: ${entry.type}, tag: ${tag}`)
  if (entry.offset + entry.count > store.length) throw malformed(`tag ${tag} is truncated`)
  return store.subarray(entry.offset, entry.offset + entry.count)
}

export function malformed(reason: string): EntryError {
  return new EntryError('bad_format', reason)
}

/**
 * Tar archives, as far as image layouts need them (POSIX ustar and pax): plain files alone, found by their
 * headers and read where they are. What came from elsewhere is not unpacked, so its names lead nowhere.
 */
import type { FileHandle } from 'node:fs/promises'
import { parseUtf8, quoted, utf8 } from '@sigstack/crypto'
import { OciError } from '../errors.ts'

export const blockBytes = 512
const mostFiles = 200_000
const longestPax = 64 * 1024
/** What eleven octal digits hold. */
const mostOctal = 8 ** 11 - 1

export type TarPlace = { readonly offset: number; readonly size: number }

/** Where each plain file is. Throws {@link OciError} `bad_document` for all that is no plain archive. */
export async function findFiles(
  file: FileHandle,
  isWanted: (name: string) => boolean,
): Promise<ReadonlyMap<string, TarPlace>> {
  const { size: end } = await file.stat()
  const found = new Map<string, TarPlace>()
  let pax: { readonly path?: string; readonly size?: number } = {}
  let count = 0
  for (let at = 0; at + blockBytes <= end; ) {
    const block = await readAt(file, at, blockBytes)
    if (block.every((byte) => byte === 0)) return found
    if (++count > mostFiles) throw new OciError('too_large', `the archive has more than ${mostFiles} files`)
    const header = parseHeader(block)
    const name = (pax.path ?? header.name).replace(/^\.\//, '')
    const size = pax.size ?? header.size
    const offset = at + blockBytes
    if (offset + size > end) throw bad(`${quoted(name, 120)} is longer than the archive; was it cut off?`)
    at = offset + Math.ceil(size / blockBytes) * blockBytes
    if (header.type === 'x') {
      pax = parsePax(await readAt(file, offset, demandPax(size)))
      continue
    }
    pax = {}
    if (header.type === 'g') {
      // Readers differ in whom it is for, where it is no mere comment.
      const common = parsePax(await readAt(file, offset, demandPax(size)))
      if (common.path !== undefined || common.size !== undefined)
        throw bad('it gives all of its files one name or size')
      continue
    }
    // A folder has no content.
    if (header.type === '5') continue
    if (header.type !== '0')
      throw bad(`${quoted(name, 120)} is no plain file, but of the type ${quoted(header.type, 10)}`)
    if (found.has(name)) throw bad(`${quoted(name, 120)} is in it twice`)
    if (!isWanted(name)) throw bad(`it holds ${quoted(name, 120)}, which is no part of an image layout`)
    found.set(name, { offset, size })
  }
  throw bad('it has no end; was it cut off?')
}

function bad(complaint: string): OciError {
  return new OciError('bad_document', `the archive cannot be used: ${complaint}`)
}

async function readAt(file: FileHandle, at: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, at)
  if (bytesRead === length) return buffer
  throw bad('it ends in the middle of a file')
}

type Header = { readonly name: string; readonly size: number; readonly type: string }

function parseHeader(block: Buffer): Header {
  const text = (from: number, length: number): string => {
    const field = block.subarray(from, from + length)
    const end = field.indexOf(0)
    const found = parseUtf8(end < 0 ? field : field.subarray(0, end))
    if (found === undefined) throw bad('a name in it is no UTF-8')
    return found
  }
  if (block.toString('latin1', 0, 2) === '\x1f\x8b') throw bad('it is compressed; gunzip it first')
  const sum = block.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : byte), 0)
  if (octal(block.subarray(148, 156)) !== sum) throw bad('it is no tar, or it is damaged')
  const isUstar = block.toString('latin1', 257, 262) === 'ustar'
  const prefix = isUstar && block[263] === 0x30 ? text(345, 155) : ''
  const type = block[156] === 0 ? '0' : String.fromCharCode(block[156] ?? 0)
  return {
    name: prefix === '' ? text(0, 100) : `${prefix}/${text(0, 100)}`,
    size: sizeOf(block.subarray(124, 136)),
    type,
  }
}

/** Octal digits, or where the first bit is set, a number of eleven bytes. */
function sizeOf(field: Buffer): number {
  if (((field[0] ?? 0) & 0x80) === 0) return octal(field)
  const size = BigInt(`0x${field.subarray(1).toString('hex')}`)
  if (field[0] !== 0x80 || size > BigInt(Number.MAX_SAFE_INTEGER)) throw bad('a file in it is too large')
  return Number(size)
}

function octal(field: Buffer): number {
  const [, digits = ''] = /^ {0,12}([0-7]{1,12})[ \0]{0,12}$/.exec(field.toString('latin1')) ?? []
  if (digits === '') throw bad('it is no tar, or it is damaged')
  return Number.parseInt(digits, 8)
}

function demandPax(size: number): number {
  if (size <= longestPax) return size
  throw bad(`a header in it has more than ${longestPax} bytes`)
}

/** `LENGTH NAME=VALUE\n`, one after the other. */
function parsePax(bytes: Buffer): { path?: string; size?: number } {
  const found: { path?: string; size?: number } = {}
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at)
    const digits = bytes.toString('latin1', at, space < 0 || space > at + 6 ? at : space)
    const end = at + Number(digits)
    const record = /^[1-9][0-9]{0,5}$/.test(digits)
      ? parseUtf8(bytes.subarray(space + 1, end - 1))
      : undefined
    const equals = record?.indexOf('=') ?? -1
    if (record === undefined || equals < 1 || end > bytes.length || bytes[end - 1] !== 0x0a)
      throw bad('a header in it cannot be read')
    const [name, value] = [record.slice(0, equals), record.slice(equals + 1)]
    if (name === 'path') found.path = value
    if (name === 'size') {
      if (!/^[0-9]{1,15}$/.test(value)) throw bad('a header in it cannot be read')
      found.size = Number(value)
    }
    if (name.startsWith('GNU.sparse')) throw bad('a file in it has holes')
    at = end
  }
  return found
}

/** All that stands before the content of a file; the same for the same name and size. */
export function encodeHeader(name: string, size: number): Buffer {
  if (Buffer.byteLength(name) <= 100) return header(name, size, '0')
  const record = paxRecord('path', name)
  return Buffer.concat([
    header('pax', record.length, 'x'),
    padded(record),
    header(name.slice(-100), size, '0'),
  ])
}

/** The length counts its own digits. */
function paxRecord(name: string, value: string): Buffer {
  const rest = ` ${name}=${value}\n`
  const length = Buffer.byteLength(rest)
  const digits = String(length + String(length).length).length
  return Buffer.from(utf8(`${length + digits}${rest}`))
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(paddingOf(bytes.length))])
}

export function paddingOf(size: number): number {
  return (blockBytes - (size % blockBytes)) % blockBytes
}

function header(name: string, size: number, type: string): Buffer {
  const block = Buffer.alloc(blockBytes)
  block.write(name, 0, 100)
  block.write('0000644\0', 100)
  block.write('0000000\0', 108)
  block.write('0000000\0', 116)
  if (size <= mostOctal) block.write(`${size.toString(8).padStart(11, '0')}\0`, 124)
  else {
    block.writeUInt8(0x80, 124)
    block.writeBigUInt64BE(BigInt(size), 128)
  }
  block.write('00000000000\0', 136)
  block.write('        ', 148)
  block.write(type, 156)
  block.write('ustar\x0000', 257, 'latin1')
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return block
}

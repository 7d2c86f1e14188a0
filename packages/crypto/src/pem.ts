/** PEM (RFC 7468) as Go reads and writes it: text before a block is skipped, headers and CRLF are accepted. */
import { asBuffer, parseBase64 } from './bytes.ts'
import { CryptoError } from './errors.ts'

export type PemBlock = {
  readonly type: string
  readonly der: Uint8Array
  /** As {@link encodePem} writes it. */
  readonly pem: string
}

const begin = '-----BEGIN '
const end = '-----END '
const dashes = '-----'
const columns = 64

/** 64 columns, LF, and a final LF. */
export function encodePem(type: string, der: Uint8Array): string {
  return wrapped(type, wrapBase64(der))
}

function wrapped(type: string, lines: string): string {
  return `${begin}${type}-----\n${lines}${end}${type}-----\n`
}

/**
 * The first well-formed block of `text` and what follows it; broken ones are skipped. BEGIN and END stand at the start of a
 * line. Lines between them may have any width: sigstore-java sends one long line. Time is linear in the text.
 */
export function parsePemBlock(text: string): { block: PemBlock; rest: string } {
  const found = findPemBlock(text)
  if (found === undefined) throw new CryptoError('bad_pem', 'no PEM block found')
  return found
}

/** Every block in `text`, at least one and at most `limit`. */
export function parsePemBlocks(text: string, limit = 100): readonly PemBlock[] {
  const { block, rest } = parsePemBlock(text)
  const blocks = [block]
  for (let next = findPemBlock(rest); next !== undefined; next = findPemBlock(next.rest)) {
    if (blocks.length === limit) throw new CryptoError('bad_pem', `more than ${limit} PEM blocks`)
    blocks.push(next.block)
  }
  return blocks
}

function findPemBlock(text: string): { block: PemBlock; rest: string } | undefined {
  let at = 0
  for (;;) {
    const endAt = text.indexOf(`\n${end}`, at)
    if (endAt === -1) return undefined
    // The last BEGIN before this END: repeated ones without an END are skipped. The slice keeps the search linear.
    const before = text.slice(at, endAt + 1)
    const beginAt = before.lastIndexOf(begin)
    const endLineAt = endAt + 1
    const endLineBreak = text.indexOf('\n', endLineAt)
    const rest = endLineBreak === -1 ? text.length : endLineBreak + 1
    if (beginAt === 0 || (beginAt > 0 && before[beginAt - 1] === '\n')) {
      const block = parseBetween(before.slice(beginAt), text.slice(endLineAt, rest))
      if (block !== undefined) return { block, rest: text.slice(rest) }
    }
    at = endLineAt + end.length
  }
}

/** `lines` from BEGIN to the line break before END. */
function parseBetween(lines: string, endLine: string): PemBlock | undefined {
  const firstBreak = lines.indexOf('\n')
  const beginLine = lines.slice(0, firstBreak).trimEnd()
  const type = beginLine.slice(begin.length, -dashes.length)
  if (!beginLine.endsWith(dashes) || endLine.trimEnd() !== `${end}${type}${dashes}`) return undefined
  let body = lines.slice(firstBreak + 1)
  // RFC 1421 headers, which none of the formats here uses: lines with a colon, right after BEGIN.
  for (let line = firstLine(body); line.includes(':'); line = firstLine(body)) body = body.slice(line.length)
  const der = Buffer.from(body, 'base64')
  if (isAsWritten(body, der)) return { type, der, pem: wrapped(type, body) }
  try {
    const otherwise = parseBase64(body.replace(/[ \t]/g, ''))
    return { type, der: otherwise, pem: encodePem(type, otherwise) }
  } catch {
    return undefined
  }
}

/**
 * Whether `lines`, from which Node has read `der`, are those that {@link wrapBase64} makes of it: told from how much was read, since
 * that is less where anything but base64 and line feeds at their places was passed over. Writing them again takes longer.
 */
function isAsWritten(lines: string, der: Buffer): boolean {
  const feeds = Math.ceil(lines.length / (columns + 1))
  const characters = lines.length - feeds
  const isLastEmpty = lines.length % (columns + 1) === 1
  if (isLastEmpty || characters === 0 || characters % 4 !== 0 || !lines.endsWith('\n')) return false
  for (let at = columns; at < lines.length; at += columns + 1) if (lines[at] !== '\n') return false
  const last = lines.slice(-5, -1)
  const padding = last.endsWith('==') ? 2 : last.endsWith('=') ? 1 : 0
  if (der.length !== (characters / 4) * 3 - padding) return false
  // Node takes those of the URL alphabet for the same.
  if (lines.includes('-') || lines.includes('_')) return false
  // Bits that no byte takes.
  return padding === 0 || der.toString('base64', der.length - 3 + padding) === last
}

function firstLine(text: string): string {
  const lineBreak = text.indexOf('\n')
  return lineBreak === -1 ? text : text.slice(0, lineBreak + 1)
}

function wrapBase64(der: Uint8Array): string {
  const base64 = asBuffer(der).toString('base64')
  let lines = ''
  for (let at = 0; at < base64.length; at += columns) lines += `${base64.slice(at, at + columns)}\n`
  return lines
}

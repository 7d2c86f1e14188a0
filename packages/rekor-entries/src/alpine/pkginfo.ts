/**
 * `.PKGINFO` as a table of names and values. Rekor reads it as an INI file, and the values are part of the leaf: so they are
 * read here by the same rules, also where these are odd (gopkg.in/ini.v1 with its defaults).
 */
import { escaped } from '@sigstack/crypto'
import { EntryError } from '../errors.ts'

/** Lines `name = value` or `name: value`; of a repeated name the last value counts. Throws `bad_format`. */
export function parsePkginfo(text: string): ReadonlyMap<string, string> {
  const nextLine = linesOf(text.replace(/^\uFEFF/, ''))
  const values = new Map<string, string>()
  let isDefaultSection = true
  let unnamed = 0
  for (let line = nextLine(); line !== undefined; line = nextLine()) {
    const trimmed = line.trimStart()
    if (trimmed === '' || trimmed.startsWith('#') || trimmed.startsWith(';')) continue
    if (trimmed.startsWith('[')) {
      isDefaultSection = parseSectionName(trimmed) === 'DEFAULT'
      continue
    }
    const { name, rest } = splitName(trimmed)
    const value = parseValue(rest, nextLine)
    if (name === '-') unnamed++
    if (name === '') throw malformed('error creating new key: empty key name')
    if (isDefaultSection) values.set(name === '-' ? `#${unnamed}` : name, value)
  }
  return values
}

function parseSectionName(line: string): string {
  const close = line.lastIndexOf(']')
  if (close === -1) throw malformed(`unclosed section: ${escaped(line, 100)}`)
  return line.slice(1, close)
}

/** A name may stand in quotes, and then hold a delimiter. */
function splitName(line: string): { name: string; rest: string } {
  const quote = /^("""(?=.{4})|"|`)/s.exec(line)?.[0] ?? ''
  const close = quote === '' ? 0 : line.indexOf(quote, quote.length)
  if (close === -1) throw malformed(`missing closing key quote: ${escaped(line, 100)}`)
  const delimiter = line.slice(close + quote.length).search(/[=:]/)
  if (delimiter === -1) throw malformed(`key-value delimiter not found: ${escaped(line, 100)}`)
  const at = close + quote.length + delimiter
  const name = quote === '' ? line.slice(0, at) : line.slice(quote.length, close)
  return { name: name.trim(), rest: line.slice(at + 1) }
}

function parseValue(rest: string, nextLine: Lines): string {
  const value = rest.trimStart()
  const quote = value.length > 3 && value.startsWith('"""') ? '"""' : value.startsWith('`') ? '`' : ''
  if (quote !== '') {
    const close = value.lastIndexOf(quote)
    return close >= quote.length
      ? value.slice(quote.length, close)
      : value.slice(quote.length) + quotedLines(quote, nextLine)
  }
  const trimmed = value.trimEnd()
  if (trimmed.endsWith('\\')) return trimmed.slice(0, -1) + continuedLines(nextLine)
  // A comment begins anywhere, also within a word.
  const comment = trimmed.search(/[#;]/)
  return unquote(comment === -1 ? trimmed : trimmed.slice(0, comment).trimEnd())
}

function quotedLines(quote: string, nextLine: Lines): string {
  const parts: string[] = []
  for (let line = nextLine(); line !== undefined; line = nextLine()) {
    const close = line.lastIndexOf(quote)
    if (close !== -1) return parts.join('') + line.slice(0, close)
    parts.push(line)
  }
  throw malformed('missing closing key quote')
}

function continuedLines(nextLine: Lines): string {
  const parts: string[] = []
  for (let line = nextLine()?.trim() ?? ''; line !== ''; line = nextLine()?.trim() ?? '') {
    if (!line.endsWith('\\')) return parts.join('') + line
    parts.push(line.slice(0, -1))
  }
  return parts.join('')
}

/** Only quotes around the whole value, with none of their kind inside. */
function unquote(value: string): string {
  const first = value[0]
  const isQuoted =
    value.length >= 2 && (first === "'" || first === '"') && value.indexOf(first, 1) === value.length - 1
  return isQuoted ? value.slice(1, -1) : value
}

type Lines = () => string | undefined

/** Lines with their line feeds, each taken once. */
function linesOf(text: string): Lines {
  let at = 0
  return () => {
    if (at >= text.length) return undefined
    const feed = text.indexOf('\n', at)
    const end = feed === -1 ? text.length : feed + 1
    const line = text.slice(at, end)
    at = end
    return line
  }
}

function malformed(reason: string): EntryError {
  return new EntryError('bad_format', `parsing .PKGINFO: ${reason}`)
}

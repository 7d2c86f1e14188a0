/**
 * Source maps of no more than what a stack trace names: lines of ours. The whole map of a bundle takes a hundred megabytes once Node
 * has read it. The format is that of ECMA-426, version 3.
 */

export type SourceMap = {
  readonly version: number
  readonly sources: readonly (string | null)[]
  readonly mappings: string
}

const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const valueOf = new Map(Array.from(digits, (digit, value) => [digit.charCodeAt(0), value]))
const semicolon = 0x3b
const comma = 0x2c

/** A mark wherever another line of ours begins, or what is not ours: a place without a mark belongs to the one before it. */
export function onlyOurLines(
  map: SourceMap,
  isOurs: (source: string) => boolean,
): SourceMap & { readonly sources: string[] } {
  const ours = map.sources.map((source) => source !== null && isOurs(source))
  const lines: string[][] = [[]]
  const written = { column: 0, source: 0, line: 0 }
  let last = { source: -1, line: -1 }
  for (const { column, source, line, startsLine } of segmentsOf(map.mappings)) {
    if (startsLine) {
      lines.push([])
      written.column = 0
      continue
    }
    const next = ours[source] === true ? { source, line } : { source: -1, line: -1 }
    if (next.source === last.source && next.line === last.line) continue
    last = next
    const fields = [column - written.column]
    written.column = column
    if (next.source !== -1) {
      fields.push(source - written.source, line - written.line, 0)
      written.source = source
      written.line = line
    }
    lines.at(-1)?.push(fields.map(encode).join(''))
  }
  const mappings = lines.map((segments) => segments.join(',')).join(';')
  // Indices stay as they are; the names of what is not ours say nothing.
  const sources = map.sources.map((source, index) => (ours[index] === true && source !== null ? source : ''))
  return { version: 3, sources, mappings }
}

type Segment = {
  readonly column: number
  readonly source: number
  readonly line: number
  /** It says nothing else. */
  readonly startsLine: boolean
}

function* segmentsOf(mappings: string): Generator<Segment> {
  let [column, source, line] = [0, 0, 0]
  let fields: number[] = []
  let value = 0
  let shift = 0
  for (let at = 0; at <= mappings.length; at++) {
    const code = at === mappings.length ? semicolon : mappings.charCodeAt(at)
    if (code === comma || code === semicolon) {
      const [columns = 0, sources = 0, rows = 0] = fields
      if (fields.length > 0) {
        column += columns
        source += sources
        line += rows
        yield { column, source: fields.length === 1 ? -1 : source, line, startsLine: false }
      }
      fields = []
      if (code === semicolon && at < mappings.length) {
        column = 0
        yield { column, source, line, startsLine: true }
      }
      continue
    }
    const digit = valueOf.get(code)
    if (digit === undefined) throw new Error('the mappings of a source map are no base64 VLQ')
    value |= (digit & 31) << shift
    shift += 5
    if ((digit & 32) !== 0) continue
    fields.push((value & 1) === 1 ? -(value >>> 1) : value >>> 1)
    value = 0
    shift = 0
  }
}

function encode(value: number): string {
  let rest = value < 0 ? (-value << 1) | 1 : value << 1
  let text = ''
  do {
    const digit = rest & 31
    rest >>>= 5
    text += digits[rest > 0 ? digit | 32 : digit]
  } while (rest > 0)
  return text
}

/** Whether a pattern must cover the whole of a value. Reads just as much of RE2's syntax as decides that. */

type Anchors = { readonly start: boolean; readonly end: boolean }
type Term = Anchors & {
  /** Takes no character and says nothing, as `(?i)` does. */
  readonly isEmpty?: boolean
}

const free: Term = { start: false, end: false }
const empty: Term = { start: false, end: false, isEmpty: true }

/** True where each alternative begins with an anchor and ends with one. `source` is a pattern that RE2 takes. */
export function isAnchored(source: string): boolean {
  const { anchors } = alternatives(source, 0, false)
  return anchors.start && anchors.end
}

/** Up to the parenthesis that closes it, or the end. */
function alternatives(source: string, from: number, isMultiline: boolean): { anchors: Anchors; at: number } {
  const found: Anchors[] = []
  let terms: Term[] = []
  let multiline = isMultiline
  let at = from
  while (at < source.length && source[at] !== ')') {
    if (source[at] === '|') {
      found.push(anchorsOf(terms))
      terms = []
      at += 1
      continue
    }
    const flags = /^\(\?([a-zA-Z]*)(?:-([a-zA-Z]+))?([:)])/.exec(source.slice(at, at + 20))
    if (flags !== null) {
      const [whole, on = '', off = '', then] = flags
      const isSet = off.includes('m') ? false : multiline || on.includes('m')
      at += whole.length
      if (then === ')') {
        multiline = isSet
        terms.push(empty)
        continue
      }
      const group = alternatives(source, at, isSet)
      terms.push(group.anchors)
      at = group.at + 1
    } else if (source[at] === '(') {
      const name = /^\(\?P?<[^>]*>/.exec(source.slice(at))?.[0] ?? '('
      const group = alternatives(source, at + name.length, multiline)
      terms.push(group.anchors)
      at = group.at + 1
    } else {
      const { term, length } = single(source, at, multiline)
      terms.push(term)
      at += length
    }
    // What may be left out, or come again, holds nothing in its place.
    const repeated = /^(?:[*+?]|\{\d+(?:,\d*)?\})\??/.exec(source.slice(at, at + 20))?.[0]
    if (repeated === undefined) continue
    terms[terms.length - 1] = free
    at += repeated.length
  }
  found.push(anchorsOf(terms))
  const anchors = { start: found.every(({ start }) => start), end: found.every(({ end }) => end) }
  return { anchors, at }
}

function anchorsOf(terms: readonly Term[]): Anchors {
  const real = terms.filter(({ isEmpty }) => isEmpty !== true)
  return { start: real[0]?.start === true, end: real.at(-1)?.end === true }
}

function single(source: string, at: number, isMultiline: boolean): { term: Term; length: number } {
  const rest = source.slice(at)
  if (rest.startsWith('^')) return { term: { start: !isMultiline, end: false }, length: 1 }
  if (rest.startsWith('$')) return { term: { start: false, end: !isMultiline }, length: 1 }
  if (rest.startsWith('\\A')) return { term: { start: true, end: false }, length: 2 }
  if (rest.startsWith('\\z')) return { term: { start: false, end: true }, length: 2 }
  if (rest.startsWith('\\Q')) {
    const end = rest.indexOf('\\E')
    return { term: free, length: end === -1 ? rest.length : end + 2 }
  }
  if (rest.startsWith('\\')) return { term: free, length: 2 }
  // A bracket that comes first is one of the class.
  const set = /^\[\^?\]?(?:\[:\^?[a-z]{1,10}:\]|\\[^]|[^\]\\])*\]/.exec(rest)?.[0]
  return { term: free, length: set?.length ?? 1 }
}

/**
 * The regular expressions that a TypeScript source holds: literals, patterns of schemas, and the places where one is
 * built at run time. A lexer of its own, because an expression that nobody lists is found only by reading the source.
 */

export type SourceExpression =
  | { readonly kind: 'expression'; readonly source: string; readonly flags: string; readonly line: number }
  /** `new RegExp(…)`: what it holds is not to be seen here. */
  | { readonly kind: 'built'; readonly line: number }

type Token = {
  readonly kind: 'word' | 'mark' | 'text' | 'regex'
  readonly text: string
  readonly line: number
}

export function expressionsOf(source: string): SourceExpression[] {
  const tokens = tokensOf(source)
  return tokens.flatMap(({ kind, text, line }, at): SourceExpression[] => {
    if (kind === 'regex') {
      const end = text.lastIndexOf('/')
      return [{ kind: 'expression', source: text.slice(1, end), flags: text.slice(end + 1), line }]
    }
    if (kind === 'word' && text === 'RegExp' && tokens[at + 1]?.text === '(') return [{ kind: 'built', line }]
    const isPattern = kind === 'text' && tokens[at - 1]?.text === ':' && tokens[at - 2]?.text === 'pattern'
    return isPattern ? [{ kind: 'expression', source: unquoted(text), flags: 'u', line }] : []
  })
}

/** After these words an expression may follow, and no division. */
const BEFORE_EXPRESSION = new Set(['return', 'typeof', 'case', 'in', 'of', 'throw', 'await', 'yield', 'void'])

function tokensOf(source: string): Token[] {
  const tokens: Token[] = []
  /** For each template that is open: how many braces are open in its `${`. */
  const templates: number[] = []
  let at = 0
  let line = 1
  const take = (kind: Token['kind'] | undefined, end: number) => {
    const text = source.slice(at, end)
    if (kind !== undefined) tokens.push({ kind, text, line })
    line += text.split('\n').length - 1
    at = end
  }
  const takeTemplate = (from: number) => {
    const { end, isOpen } = templateEnd(source, from)
    if (isOpen) templates.push(0)
    take(isOpen ? 'mark' : 'text', end)
  }
  while (at < source.length) {
    const character = source.charAt(at)
    if (/\s/.test(character)) take(undefined, at + 1)
    else if (source.startsWith('//', at) || (at === 0 && source.startsWith('#!')))
      take(undefined, indexOrEnd(source, '\n', at))
    else if (source.startsWith('/*', at)) take(undefined, indexOrEnd(source, '*/', at) + 2)
    else if (character === "'" || character === '"') take('text', quoteEnd(source, at))
    else if (character === '`') takeTemplate(at + 1)
    else if (character === '}' && templates.at(-1) === 0) {
      templates.pop()
      takeTemplate(at + 1)
    } else if (character === '/' && mayBeExpression(tokens.at(-1))) take('regex', expressionEnd(source, at))
    else if (/[\w$]/.test(character)) take('word', wordEnd(source, at))
    else {
      const open = templates.length - 1
      if (character === '{' && open >= 0) templates[open] = (templates[open] ?? 0) + 1
      if (character === '}' && open >= 0) templates[open] = (templates[open] ?? 0) - 1
      take('mark', at + 1)
    }
  }
  return tokens
}

function mayBeExpression(before: Token | undefined): boolean {
  if (before === undefined) return true
  if (before.kind === 'word') return BEFORE_EXPRESSION.has(before.text)
  return before.kind === 'mark' && !')]}'.includes(before.text)
}

function indexOrEnd(source: string, text: string, from: number): number {
  const found = source.indexOf(text, from)
  return found === -1 ? source.length : found
}

function quoteEnd(source: string, start: number): number {
  let at = start + 1
  while (at < source.length && source[at] !== source[start]) at += source[at] === '\\' ? 2 : 1
  return at + 1
}

function templateEnd(source: string, from: number): { end: number; isOpen: boolean } {
  let at = from
  while (at < source.length && source[at] !== '`') {
    if (source.startsWith('${', at)) return { end: at + 2, isOpen: true }
    at += source[at] === '\\' ? 2 : 1
  }
  return { end: at + 1, isOpen: false }
}

function expressionEnd(source: string, start: number): number {
  let at = start + 1
  let inClass = false
  while (at < source.length && (inClass || source[at] !== '/')) {
    if (source[at] === '[') inClass = true
    if (source[at] === ']') inClass = false
    at += source[at] === '\\' ? 2 : 1
  }
  return wordEnd(source, at + 1)
}

function wordEnd(source: string, start: number): number {
  let at = start
  while (at < source.length && /[\w$]/.test(source.charAt(at))) at += 1
  return at
}

/** Of a quoted text as TypeScript has it: what escapes a schema's pattern needs are doubled backslashes. */
function unquoted(text: string): string {
  return text.slice(1, -1).replaceAll(/\\(.)/g, '$1')
}

/**
 * The part of Go's text templates that identity configurations use: `{{ .name }}`, `{{ index . "key" }}`,
 * `{{ if … }}…{{ else }}…{{ end }}`, `eq`, text constants and parentheses. Parsed once at start; text is never escaped.
 */

export type Template = { readonly source: string; readonly nodes: readonly Node[] }

type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'value'; readonly expression: Expression }
  | {
      readonly kind: 'if'
      readonly condition: Expression
      readonly whenTrue: readonly Node[]
      readonly whenFalse: readonly Node[]
    }

type Expression =
  | { readonly kind: 'constant'; readonly text: string }
  | { readonly kind: 'field'; readonly name: string }
  | { readonly kind: 'index'; readonly key: Expression }
  | { readonly kind: 'equal'; readonly left: Expression; readonly right: readonly Expression[] }

/** Why a template cannot be read, or has no value for these claims. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError'
}

const deepestNesting = 32

/** Throws {@link TemplateError} for what is no template, or uses more of Go's language than is understood here. */
export function parseTemplate(source: string): Template {
  const pieces = splitPieces(source)
  const nodes = parseNodes(pieces, 0)
  if (pieces.length > 0) throw new TemplateError(`unexpected {{${pieces[0]?.action ?? ''}}}`)
  return { source, nodes }
}

/** Throws {@link TemplateError} for `.name` without a value; `index` of an unknown key is empty. */
export function renderTemplate({ nodes }: Template, values: ReadonlyMap<string, string>): string {
  let text = ''
  for (const node of nodes) text += renderNode(node, values)
  return text
}

function renderNode(node: Node, values: ReadonlyMap<string, string>): string {
  if (node.kind === 'text') return node.text
  if (node.kind === 'value') return evaluate(node.expression, values)
  const chosen = isTrue(node.condition, values) ? node.whenTrue : node.whenFalse
  return chosen.map((child) => renderNode(child, values)).join('')
}

function isTrue(expression: Expression, values: ReadonlyMap<string, string>): boolean {
  const text = evaluate(expression, values)
  return expression.kind === 'equal' ? text === 'true' : text !== ''
}

function evaluate(expression: Expression, values: ReadonlyMap<string, string>): string {
  switch (expression.kind) {
    case 'constant':
      return expression.text
    case 'field': {
      const value = values.get(expression.name)
      if (value === undefined)
        throw new TemplateError(
          `template: executing at <.${expression.name}>: map has no entry for key "${expression.name}"`,
        )
      return value
    }
    case 'index':
      return values.get(evaluate(expression.key, values)) ?? ''
    case 'equal': {
      const left = evaluate(expression.left, values)
      return String(expression.right.some((right) => evaluate(right, values) === left))
    }
  }
}

type Piece = { readonly text?: string; readonly action?: string }

function splitPieces(source: string): Piece[] {
  const pieces: Piece[] = []
  let at = 0
  let trimNext = false
  while (at < source.length) {
    const open = source.indexOf('{{', at)
    let text = source.slice(at, open < 0 ? source.length : open)
    if (trimNext) text = text.trimStart()
    const trimmed = open >= 0 && /^\{\{-\s/.test(source.slice(open, open + 4))
    if (trimmed) text = text.trimEnd()
    if (text !== '') pieces.push({ text })
    if (open < 0) break
    const close = closingBraces(source, open + 2)
    let action = source.slice(open + (trimmed ? 3 : 2), close)
    trimNext = /\s-$/.test(action)
    if (trimNext) action = action.slice(0, -1)
    pieces.push({ action: action.trim() })
    at = close + 2
  }
  return pieces
}

/** Braces inside a text constant do not count. */
function closingBraces(source: string, from: number): number {
  let quote = ''
  for (let at = from; at < source.length; at++) {
    const character = source[at] ?? ''
    if (quote !== '') {
      if (character === '\\' && quote === '"') at++
      else if (character === quote) quote = ''
    } else if (character === '"' || character === '`') quote = character
    else if (source.startsWith('}}', at)) return at
  }
  throw new TemplateError('an action {{ is not closed')
}

/** Takes pieces up to an `else` or `end`, which stays for the caller. */
function parseNodes(pieces: Piece[], depth: number): readonly Node[] {
  if (depth > deepestNesting) throw new TemplateError('too many nested conditions')
  const nodes: Node[] = []
  for (;;) {
    const piece = pieces[0]
    if (piece === undefined || piece.action === 'else' || piece.action === 'end') return nodes
    pieces.shift()
    if (piece.text !== undefined) nodes.push({ kind: 'text', text: piece.text })
    else nodes.push(parseAction(piece.action ?? '', pieces, depth))
  }
}

function parseAction(action: string, pieces: Piece[], depth: number): Node {
  if (action.startsWith('/*')) return { kind: 'text', text: '' }
  const condition = /^if\s+(.+)$/s.exec(action)?.[1]
  if (condition === undefined) return { kind: 'value', expression: parseExpression(action) }
  const whenTrue = parseNodes(pieces, depth + 1)
  let whenFalse: readonly Node[] = []
  if (pieces[0]?.action === 'else') {
    pieces.shift()
    whenFalse = parseNodes(pieces, depth + 1)
  }
  if (pieces.shift()?.action !== 'end') throw new TemplateError('an {{if}} has no {{end}}')
  return { kind: 'if', condition: parseExpression(condition), whenTrue, whenFalse }
}

const token = /\s*(?:[()]|(?:"(?:[^"\\\n]|\\.)*"|`[^`]*`|\.[A-Za-z_][A-Za-z0-9_]*|\.|[A-Za-z]+)(?=[\s()]|$))/y

function parseExpression(text: string): Expression {
  const words: string[] = []
  token.lastIndex = 0
  while (token.lastIndex < text.trimEnd().length) {
    const found = token.exec(text)
    if (found === null) throw new TemplateError(`cannot understand {{${text}}}`)
    words.push(found[0].trim())
  }
  const expression = parseCommand(words, text, 0)
  if (words.length > 0) throw new TemplateError(`cannot understand {{${text}}}`)
  return expression
}

function parseCommand(words: string[], text: string, depth: number): Expression {
  const [word] = words
  if (word === 'index') {
    words.shift()
    if (words.shift() !== '.') throw new TemplateError(`index needs the dot and a key in {{${text}}}`)
    return { kind: 'index', key: parseOperand(words, text, depth) }
  }
  if (word === 'eq') {
    words.shift()
    const left = parseOperand(words, text, depth)
    const right = [parseOperand(words, text, depth)]
    while (words.length > 0 && words[0] !== ')') right.push(parseOperand(words, text, depth))
    return { kind: 'equal', left, right }
  }
  return parseOperand(words, text, depth)
}

function parseOperand(words: string[], text: string, depth: number): Expression {
  if (depth > deepestNesting) throw new TemplateError('too many parentheses')
  const word = words.shift()
  if (word === '(') {
    const inner = parseCommand(words, text, depth + 1)
    if (words.shift() !== ')') throw new TemplateError(`a parenthesis is not closed in {{${text}}}`)
    return inner
  }
  if (word?.startsWith('`')) return { kind: 'constant', text: word.slice(1, -1) }
  if (word?.startsWith('"')) return { kind: 'constant', text: textConstant(word, text) }
  if (word?.startsWith('.') && word.length > 1) return { kind: 'field', name: word.slice(1) }
  throw new TemplateError(
    word === undefined ? `{{${text}}} is not complete` : `${word} in {{${text}}} is not supported`,
  )
}

function textConstant(word: string, text: string): string {
  try {
    const value: unknown = JSON.parse(word)
    if (typeof value === 'string') return value
  } catch {
    // falls through: Go knows escapes that JSON does not
  }
  throw new TemplateError(`cannot understand the text ${word} in {{${text}}}`)
}

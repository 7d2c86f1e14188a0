/** What is compared of an answer: named facts, each a text, so that every difference can be shown and known by its name. */
import type { Answer } from './exchange.ts'

export type Facts = ReadonlyMap<string, string>

export type Difference = {
  readonly case: string
  readonly fact: string
  /** Undefined where only the other side has the fact. */
  readonly ours: string | undefined
  readonly upstream: string | undefined
}

/** These say when and how an answer travelled. */
const headersOfTheWay = new Set(['connection', 'content-length', 'date', 'keep-alive', 'transfer-encoding'])

/** Of two answers with different statuses nothing else is worth comparing: what each says for a reason is shown beside. */
const factsOfTheReason = new Set(['status', 'body.message', 'body'])

export function compareFacts(name: string, ours: Facts, upstream: Facts): readonly Difference[] {
  const agreed = ours.get('status') === upstream.get('status')
  return [...new Set([...ours.keys(), ...upstream.keys()])]
    .filter((fact) => ours.get(fact) !== upstream.get(fact) && (agreed || factsOfTheReason.has(fact)))
    .map((fact) => ({ case: name, fact, ours: ours.get(fact), upstream: upstream.get(fact) }))
}

/** Status and headers of any answer. `normalise` takes out of a header what must differ, such as a host. */
export function outerFacts(
  { status, headers }: Answer,
  normalise: (value: string) => string = (value) => value,
): [string, string][] {
  return [
    ['status', String(status)],
    ...[...headers]
      .filter(([name]) => !headersOfTheWay.has(name))
      .map(([name, value]): [string, string] => [`header ${name}`, normalise(value)]),
  ]
}

/** Shape, and each text, number and boolean in it by its path; a body that is no JSON is one fact. */
export function jsonFacts({ body }: Answer, normalise: (value: string) => string): [string, string][] {
  const text = body.toString('utf8')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return [['body', normalise(text)]]
  }
  return [
    ['body end', text.endsWith('\n') ? 'line feed' : 'none'],
    ['body shape', shapeOf(value)],
    ...leavesOf(value, 'body').map(([path, leaf]): [string, string] => [path, normalise(leaf)]),
  ]
}

/** Names in their order, and types. */
export function shapeOf(value: unknown): string {
  if (Array.isArray(value)) return `[${[...new Set(value.map(shapeOf))].join(' ')}]`
  if (value === null) return 'null'
  if (typeof value !== 'object') return typeof value
  return `{${Object.entries(value)
    .map(([name, inner]) => `${name}:${shapeOf(inner)}`)
    .join(',')}}`
}

function leavesOf(value: unknown, path: string): [string, string][] {
  if (typeof value !== 'object' || value === null) return [[path, String(value)]]
  return Object.entries(value).flatMap(([name, inner]) => leavesOf(inner, `${path}.${name}`))
}

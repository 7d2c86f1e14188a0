/**
 * Texts on which a backtracking engine has most to do for one expression: what a part of it matches, very often, behind
 * what leads to that part, and before something that lets all of it fail.
 */
import { createContext, Script } from 'node:vm'
import { reasonOf } from '@sigstack/crypto'

type Node =
  | { readonly kind: 'text'; readonly text: string }
  /** Any one of the characters. */
  | { readonly kind: 'set'; readonly characters: readonly string[] }
  | { readonly kind: 'row'; readonly parts: readonly Node[] }
  | { readonly kind: 'choice'; readonly parts: readonly Node[] }
  | { readonly kind: 'repeat'; readonly part: Node; readonly least: number }

/** Of which nothing takes a second that is linear (some on a machine that is busy), and everything minutes that is not. */
const size = 300_000
const mostCpuMs = 8_000
/** Enough to tell which inputs are the worst. */
const probeSize = 6_000
const probes = 3

/** What `expression` takes too long for, or too much of the stack; undefined where nothing is known. */
export function badInput(expression: RegExp, most = mostCpuMs): string | undefined {
  let current: WorstInput | undefined
  const run = (input: WorstInput, length: number): number => {
    current = input
    const text = input.lead + input.pump.repeat(length / input.pump.length) + input.tail
    // Of this process, so that a busy machine makes no difference.
    const start = process.cpuUsage()
    if (expression.global) text.replace(expression, '')
    else text.search(expression)
    const { user, system } = process.cpuUsage(start)
    return (user + system) / 1000
  }
  const look = () => {
    const inputs = worstInputs(expression.source, expression.flags)
    const probed = inputs.map((input) => ({ input, ms: run(input, probeSize) }))
    const worst = probed.sort((a, b) => b.ms - a.ms).slice(0, probes)
    return worst.map(({ input }) => ({ input, ms: run(input, size) })).find(({ ms }) => ms > most)
  }
  try {
    // Interrupts an expression in the midst of its work.
    const slow: unknown = new Script('look()').runInContext(createContext({ look }), { timeout: 10 * most })
    return slow === undefined ? undefined : JSON.stringify(slow)
  } catch (error) {
    return `${JSON.stringify(current)}: ${reasonOf(error)}`
  }
}

/** One of each sort that expressions tell apart. */
const SAMPLES = [
  ...'aA0-_. /=:"\\@+,!<{[(\t\n\r'.split(''),
  '\u0000',
  '\u001b',
  '\u00e9',
  '\u2028',
  '\ud800',
  '\udc00',
]

type WorstInput = { readonly lead: string; readonly pump: string; readonly tail: string }

function worstInputs(source: string, flags: string): WorstInput[] {
  const root = parse(source, flags)
  const leads = new Set([''])
  const pumps = new Set<string>()
  const own = new Set(charactersOf(root))
  gather(root, '', leads, pumps)
  for (const one of own) for (const other of own) pumps.add(one + other)
  const inputs: WorstInput[] = []
  for (const tail of ['', '\u0000!']) {
    for (const lead of leads) for (const pump of [...pumps, ...SAMPLES]) inputs.push({ lead, pump, tail })
  }
  return inputs
}

/** Every part by itself, and every beginning of a row. */
function gather(node: Node, lead: string, leads: Set<string>, pumps: Set<string>): void {
  leads.add(lead)
  for (const sort of [0, 1, 2]) pumps.add(example(node, sort))
  pumps.delete('')
  if (node.kind === 'choice') for (const part of node.parts) gather(part, lead, leads, pumps)
  if (node.kind === 'repeat') gather(node.part, lead, leads, pumps)
  if (node.kind !== 'row') return
  for (const [at, part] of node.parts.entries()) {
    const before = { kind: 'row', parts: node.parts.slice(0, at) } as const
    for (const sort of [0, 1, 2]) pumps.add(example(before, sort))
    gather(part, lead + example(before, 0), leads, pumps)
  }
  pumps.delete('')
}

/** A text that the part matches; of sets and choices the one numbered `sort`. */
function example(node: Node, sort: number): string {
  if (node.kind === 'text') return node.text
  if (node.kind === 'set') return node.characters[sort % node.characters.length] ?? ''
  if (node.kind === 'row') return node.parts.map((part) => example(part, sort)).join('')
  if (node.kind === 'repeat') return example(node.part, sort).repeat(Math.max(node.least, 1))
  const part = node.parts[sort % node.parts.length]
  return part === undefined ? '' : example(part, sort)
}

/** Two of each set are enough to build pairs of, and of a text what stands at its ends. */
function charactersOf(node: Node): readonly string[] {
  if (node.kind === 'text') return [node.text.charAt(0), node.text.slice(-1)]
  if (node.kind === 'set') return node.characters.slice(0, 2)
  return node.kind === 'repeat' ? charactersOf(node.part) : node.parts.flatMap(charactersOf)
}

const NOTHING: Node = { kind: 'row', parts: [] }

/** As much of the syntax as our expressions use; what only looks around matches nothing itself. */
function parse(source: string, flags: string): Node {
  let at = 0

  function choice(): Node {
    const parts = [row()]
    while (source[at] === '|') {
      at += 1
      parts.push(row())
    }
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : { kind: 'choice', parts }
  }

  function row(): Node {
    const parts: Node[] = []
    while (at < source.length && source[at] !== '|' && source[at] !== ')') {
      const part = repeated(atom())
      const before = parts.at(-1)
      if (part.kind === 'text' && before?.kind === 'text') {
        parts[parts.length - 1] = { kind: 'text', text: before.text + part.text }
      } else parts.push(part)
    }
    return { kind: 'row', parts }
  }

  function repeated(part: Node): Node {
    const [text = '', least] = /^(?:[*+?]|\{(\d+)(?:,\d*)?\})\??/.exec(source.slice(at)) ?? []
    if (text === '') return part
    at += text.length
    return { kind: 'repeat', part, least: Number(least ?? (text.startsWith('+') ? 1 : 0)) }
  }

  function atom(): Node {
    const rest = source.slice(at)
    const group = /^\((?:\?(?:<?[=!]|:|<\w+>))?/.exec(rest)
    if (group !== null) {
      at += group[0].length
      const inner = choice()
      at += 1
      return /[=!]$/.test(group[0]) ? { kind: 'repeat', part: inner, least: 0 } : inner
    }
    const [text = ''] =
      /^(?:\[(?:\\.|[^\]\\])*\]|\\u\{[^}]*\}|\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}|\\[pP]\{[^}]*\}|\\.|.)/su.exec(
        rest,
      ) ?? []
    at += text.length
    if (/^(?:\^|\$|\\[bB1-9])$/.test(text)) return NOTHING
    const characters = charactersMatching(text, flags)
    const [only] = characters
    return characters.length === 1 && only !== undefined
      ? { kind: 'text', text: only }
      : { kind: 'set', characters }
  }

  return choice()
}

function charactersMatching(set: string, flags: string): string[] {
  const one = new RegExp(`^${set}$`, flags.replaceAll(/[gy]/g, ''))
  const itself = set.startsWith('[') ? set.slice(1, -1) : set.replace(/^\\/, '')
  const matching = [...SAMPLES, ...itself.split('')].filter((character) => one.test(character))
  // One of each sort first: a word's end is where many expressions may begin anew.
  const sorts = [/\w/, /[^\w\s]/, /\s/].map((sort) => matching.find((character) => sort.test(character)))
  return [...new Set([...sorts.filter((character) => character !== undefined), ...matching])]
}

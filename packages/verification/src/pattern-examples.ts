/**
 * Names that a pattern for an identity describes, before anybody signed: its text with the places that take several things
 * filled. Reads just as much of RE2's syntax as that takes; whether the pattern accepts an example, it says itself.
 */
import type { Condition } from './identity-policy.ts'

/** Texts; between two of them is a place that takes several things. */
type Template = readonly string[]

/** Further alternatives are not looked at. */
const mostTemplates = 16
/** Filled in each way that is known; those before them have a name. */
const mostPlaces = 2

/** A dot alone is mostly meant as one. */
const atom =
  /(?<nothing>\(\?[a-zA-Z-]*\)|[\^$]|\\[AzbB])|(?<group>\((?:\?P?<[^>]*>|\?[a-zA-Z-]*:)?)|\\Q(?<quoted>[^]*?)(?:\\E|$)|(?<place>\.(?=[*+?{])|\[\^?\]?(?:\[:\^?[a-z]{1,10}:\]|\\[^]|[^\]\\])*\]|\\(?:[pPx]\{[^}]*\}|x[0-9a-fA-F]{2}|[pP][^]|[A-Za-z0-9]))|\\?(?<literal>[^])/y
const repetition = /(?:[*+?]|\{\d+(?:,\d*)?\})?\??/y

const name = 'someone'
const ref = `refs/heads/${name}`
const file = `${name}.yml@${ref}`
const path = `.github/workflows/${file}`
const host = `${name}.example`
/** Ends and middles of the names of workflows, and what else identities are made of. */
const fills = [
  name,
  '1',
  `${name}/${name}/${path}`,
  `${name}/${path}`,
  path,
  file,
  `@${ref}`,
  ref,
  `${name}@${host}`,
  `https://${host}`,
  `${host}/${name}/${name}/${path}`,
  `https://${host}/${name}/${name}/${path}`,
]
const workflow = /^https:\/\/[^/@]+\/[^/@]+\/[^/@]+\/[^@:]+@refs\/[^@:]+$/

/** Of each alternative one: the name of a workflow, else of anything. None for a value. */
export function examplesOf({ value, pattern, source = '' }: Condition): readonly string[] {
  if (value !== undefined || pattern === undefined) return []
  return alternatives(source, 0).templates.flatMap((template) => {
    const before = Math.max(0, template.length - 1 - mostPlaces)
    const start = template.slice(0, before + 1).join(name)
    let first: string | undefined
    for (const example of filled([start, ...template.slice(before + 1)])) {
      if (!pattern.matcher(example).find()) continue
      if (workflow.test(example)) return [example]
      first ??= example
    }
    return first ?? []
  })
}

function* filled([text = '', ...rest]: Template): Generator<string> {
  if (rest.length === 0) yield text
  else for (const end of filled(rest)) for (const fill of fills) yield text + fill + end
}

/** Up to the parenthesis that closes it, or the end. */
function alternatives(source: string, from: number): { templates: readonly Template[]; at: number } {
  const done: Template[] = []
  let templates: readonly Template[] = [['']]
  let at = from
  while (at < source.length && source[at] !== ')') {
    if (source[at] === '|') {
      done.push(...templates)
      templates = [['']]
      at += 1
      continue
    }
    const found = readAtom(source, at)
    templates = templates
      .flatMap((start) => found.templates.map((end) => joined(start, end)))
      .slice(0, mostTemplates)
    repetition.lastIndex = found.at
    // What may come again, or be left out, is there once.
    at = found.at + (repetition.exec(source)?.[0].length ?? 0)
  }
  return { templates: [...done, ...templates].slice(0, mostTemplates), at }
}

function readAtom(source: string, from: number): { templates: readonly Template[]; at: number } {
  atom.lastIndex = from
  const found = atom.exec(source)
  const groups = found?.groups ?? {}
  const at = from + (found?.[0].length ?? 1)
  if (groups['group'] !== undefined) {
    const inner = alternatives(source, at)
    return { templates: inner.templates, at: inner.at + 1 }
  }
  if (groups['place'] !== undefined) return { templates: [['', '']], at }
  return { templates: [[groups['quoted'] ?? groups['literal'] ?? '']], at }
}

function joined(start: Template, end: Template): Template {
  return [...start.slice(0, -1), `${start.at(-1) ?? ''}${end[0] ?? ''}`, ...end.slice(1)]
}

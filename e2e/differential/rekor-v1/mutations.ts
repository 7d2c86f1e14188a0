/** A proposal with one thing about it changed: each member left out, of another type, or not what its name says. */
type Path = readonly string[]

type Named<Proposal> = { readonly name: string; readonly proposal: Proposal }

/** Of the example of its kind; that of hashedrekord stands for the frame of all kinds. */
export function mutationsOf<Proposal extends object>({
  name,
  proposal,
}: Named<Proposal>): readonly Named<Proposal>[] {
  const paths = pathsIn(proposal).filter((path) => path.length > 1 || name === 'hashedrekord')
  return paths.flatMap((path) => {
    const value = valueAt(proposal, path)
    return Object.entries(replacementsOf(value))
      .filter(([, replacement]) => JSON.stringify(replacement) !== JSON.stringify(value))
      .map(([how, replacement]) => ({
        name: `${name}: ${path.join('.')} ${how}`,
        proposal: replaced(proposal, path, replacement) as Proposal,
      }))
  })
}

/** Undefined leaves it out. */
function replacementsOf(value: unknown): Readonly<Record<string, unknown>> {
  const ofAny = {
    'left out': undefined,
    null: null,
    'a number': 5,
    'an empty text': '',
    'a text': '*',
    'an empty list': [],
    'an empty object': {},
  }
  if (typeof value === 'string') return { ...ofAny, ...replacementsOfText(value) }
  if (typeof value === 'object' && !Array.isArray(value))
    return { ...ofAny, 'with one more member': { ...value, more: 1 } }
  return ofAny
}

const base64Text = /^[A-Za-z0-9+/]{16,}={0,2}$/

function replacementsOfText(text: string): Readonly<Record<string, string>> {
  const ofText = {
    'in capitals': text.toUpperCase(),
    'with a line feed': `${text}\n`,
    cut: text.slice(0, text.length / 2),
  }
  if (!base64Text.test(text)) return ofText
  const content = Buffer.from(text, 'base64')
  const encoded = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
  const changed = (at: number): string => {
    const copy = Buffer.from(content)
    copy[at] = (copy[at] ?? 0) ^ 1
    return encoded(copy)
  }
  return {
    ...ofText,
    'of junk': encoded(Buffer.from('junk')),
    'of half the bytes': encoded(content.subarray(0, content.length / 2)),
    'of one byte more': encoded(Buffer.concat([content, Buffer.of(0)])),
    'with the first byte changed': changed(0),
    'with a byte in the middle changed': changed(Math.floor(content.length / 2)),
    'with the last byte changed': changed(content.length - 1),
    'in the URL alphabet': content.toString('base64url'),
    'with a space inside': `${text.slice(0, 8)} ${text.slice(8)}`,
    'with line feeds inside': text.replaceAll(/.{64}/g, '$&\n'),
  }
}

const listItemsChanged = 2
const deepest = 6

function pathsIn(value: unknown, path: Path = []): readonly Path[] {
  if (typeof value !== 'object' || value === null || path.length === deepest) return []
  const names = Object.keys(value).slice(0, Array.isArray(value) ? listItemsChanged : undefined)
  return names.flatMap((name) => [[...path, name], ...pathsIn(Reflect.get(value, name), [...path, name])])
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce((inner, name) => Reflect.get(Object(inner), name) as unknown, value)
}

function replaced(value: unknown, [name, ...rest]: Path, replacement: unknown): unknown {
  if (name === undefined) return replacement
  if (Array.isArray(value)) {
    return value.flatMap((item, index) => {
      if (String(index) !== name) return [item]
      const inner = replaced(item, rest, replacement)
      return inner === undefined ? [] : [inner]
    })
  }
  return { ...Object(value), [name]: replaced(Reflect.get(Object(value), name), rest, replacement) }
}

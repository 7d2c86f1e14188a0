/**
 * HTML by construction: the tag {@link html} knows where in the markup each hole stands, and writes its value so that it stays a text
 * there. Text from outside can neither become markup nor read otherwise than it is stored. A hole where nothing can be escaped (a
 * tag's name, an attribute without quotes, a script) is a fault of the template, thrown at its first use.
 */
import { misleadingCharacters } from '@sigstack/crypto'

declare const made: unique symbol
/** Markup that only {@link html} makes. */
export type Html = { readonly [made]: true }

/** What a hole takes; `undefined` and `false` are written as nothing. */
export type Hole = Html | string | number | bigint | undefined | false | readonly Hole[]

/** With its text, which nobody else can put there: a page is made of hundreds of them, so each is cheap. */
class Markup {
  readonly #text: string
  constructor(text: string) {
    this.#text = text
  }
  static textOf(page: object): string | undefined {
    return #text in page ? page.#text : undefined
  }
}

export function html(strings: TemplateStringsArray, ...holes: readonly Hole[]): Html {
  const places = placesOf(strings)
  let text = strings[0] ?? ''
  for (const [at, hole] of holes.entries()) text += written(hole, places[at]) + strings[at + 1]
  return markup(text)
}

/** The text of a page, for the wire alone. */
export function textOf(page: Html): string {
  const text = Markup.textOf(page)
  if (text === undefined) throw new Error('markup is made by html alone')
  return text
}

function markup(text: string): Html {
  return new Markup(text) as unknown as Html
}

/**
 * Where a hole stands: between tags, in the quotes of an attribute, in those of one that leads somewhere, or among the attributes, where
 * only markup of a template can stand.
 */
type Place = 'text' | 'attribute' | 'address' | 'tag'

const known = new WeakMap<TemplateStringsArray, readonly Place[]>()

function placesOf(strings: TemplateStringsArray): readonly Place[] {
  const seen = known.get(strings)
  if (seen !== undefined) return seen
  let before = ''
  const places = strings.slice(0, -1).map((string) => {
    before += string
    const place = placeAfter(before)
    if (place === undefined) throw new Error(`a hole cannot stand after ${before.slice(-40)}`)
    // What fills it changes nothing of where the next one stands.
    if (place !== 'tag') before += 'x'
    return place
  })
  known.set(strings, places)
  return places
}

const addresses = new Set(['href', 'src', 'action', 'formaction'])

function placeAfter(template: string): Place | undefined {
  const isRaw = ['script', 'style'].some(
    (tag) => template.lastIndexOf(`<${tag}`) > template.lastIndexOf(`</${tag}`),
  )
  const opened = template.lastIndexOf('<')
  // Attributes hold no angle brackets in our templates.
  if (template.lastIndexOf('>') >= opened) return isRaw ? undefined : 'text'
  const tag = template.slice(opened)
  const equals = tag.lastIndexOf('="')
  if (equals < 0 || tag.includes('"', equals + 2)) return /^<[a-z][^=]*$|"$/.test(tag) ? 'tag' : undefined
  const name = tag.slice(0, equals).split(/\s/).at(-1) ?? ''
  if (name.startsWith('on') || name === 'style') return undefined
  // Where the template begins the address, its rest leads nowhere else.
  return addresses.has(name) && equals + 2 === tag.length ? 'address' : 'attribute'
}

function written(hole: Hole, place: Place | undefined): string {
  if (hole === undefined || hole === false) return ''
  if (isList(hole)) return hole.map((each) => written(each, place)).join('')
  if (typeof hole === 'object') {
    if (place === 'attribute' || place === 'address') throw new Error('markup cannot stand in an attribute')
    return textOf(hole)
  }
  if (place === 'tag') throw new Error('a text cannot stand among attributes')
  if (typeof hole !== 'string') return String(hole)
  return place === 'text' ? textual(hole) : quotable(hole, place)
}

function isList(hole: Hole): hole is readonly Hole[] {
  return Array.isArray(hole)
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function withEntities(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character)
}

/** Characters that cannot be seen, or that turn the text around, are seen as what they are; lines and tabs stay. */
function textual(text: string): string {
  return withEntities(text).replace(misleadingCharacters, (character) =>
    isBlank(character) ? character : `<span class="odd">${nameOf(character)}</span>`,
  )
}

function quotable(text: string, place: Place | undefined): string {
  const address = place === 'address' && !isHarmless(text) ? '#' : text
  return withEntities(address).replace(misleadingCharacters, (character) =>
    isBlank(character) ? character : nameOf(character),
  )
}

function isBlank(character: string): boolean {
  return character === '\n' || character === '\t'
}

function nameOf(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`
}

/** A path of this site, a place in this page, or an address that runs nothing here. */
function isHarmless(address: string): boolean {
  if (/^(?:\/(?![/\\])|[?#])/.test(address)) return true
  return ['https:', 'http:', 'mailto:'].includes(URL.parse(address)?.protocol ?? '')
}

/** Evidence of an alarm: JSON whose form differs by kind, as facts with their names. */
import { isObject } from '@sigstack/crypto'
import { type Html, html } from '../html/html.ts'
import type { Names } from './alarm-parts.ts'

type Members = Readonly<Record<string, unknown>>
type Place = { readonly log: string | undefined; readonly names: Names; readonly depth: number }

const deepest = 4
/** By which the log can be searched. */
const searched = new Set(['subjects', 'serialNumber', 'issuer'])
/** Of entries in the log that is told beside them, else in that of the alarm. */
const indexes = new Set(['leafIndex', 'leafIndexes'])

/** `log` is that of the alarm, where it is of one. */
export function evidencePart(detail: unknown, log: string | undefined, names: Names): Html {
  return isObject(detail) && Object.keys(detail).length > 0
    ? facts(detail, { log, names, depth: 0 })
    : html`<p>There is none but the sentence above.</p>`
}

function facts(members: Members, { names, log: around, depth }: Place): Html {
  const own = members['log']
  const place = { names, log: typeof own === 'string' ? own : around, depth: depth + 1 }
  return html`<dl class="facts">${Object.entries(members).map(
    ([name, value]) => html`<dt>${wordsOf(name)}</dt><dd>${valuePart(name, value, place)}</dd>`,
  )}</dl>`
}

function valuePart(name: string, value: unknown, place: Place): Html {
  if (typeof value === 'string') return textPart(name, value, place)
  if (place.depth > deepest) return html`<code>${JSON.stringify(value)}</code>`
  if (Array.isArray(value) && value.length === 0) return html`none`
  const inner = { ...place, depth: place.depth + 1 }
  if (Array.isArray(value))
    return html`${value.map((each: unknown, at) => html`${at > 0 && html`<br>`}${valuePart(name, each, inner)}`)}`
  return isObject(value) ? facts(value, place) : html`${String(value)}`
}

function textPart(name: string, value: string, { log, names }: Place): Html {
  if (searched.has(name))
    return html`<a href="/search?q=${encodeURIComponent(value.toWellFormed())}">${value}</a>`
  if (name === 'log') return html`${names.logs.get(value) ?? value}`
  const href = indexes.has(name) && log !== undefined ? names.entry(log, value) : undefined
  if (href !== undefined) return html`<a href="${href}">${value}</a>`
  return value.includes('\n') ? html`<pre class="raw" tabindex="0">${value}</pre>` : html`${value}`
}

/** As `leaf index`. */
function wordsOf(name: string): string {
  return name.replaceAll(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
}

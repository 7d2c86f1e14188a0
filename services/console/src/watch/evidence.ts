/** Evidence of an alarm: JSON whose form differs by kind, as facts with their names. */
import { isObject } from '@sigstack/crypto'
import { type Html, html } from '../html/html.ts'

const deepest = 4
/** By which the log can be searched. */
const searched = new Set(['subjects', 'serialNumber', 'issuer'])

export function evidencePart(detail: unknown): Html {
  return isObject(detail) && Object.keys(detail).length > 0
    ? facts(detail, 0)
    : html`<p>There is none but the sentence above.</p>`
}

function facts(members: Readonly<Record<string, unknown>>, depth: number): Html {
  return html`<dl class="facts">${Object.entries(members).map(
    ([name, value]) => html`<dt>${wordsOf(name)}</dt><dd>${valuePart(name, value, depth + 1)}</dd>`,
  )}</dl>`
}

function valuePart(name: string, value: unknown, depth: number): Html {
  if (typeof value === 'string' && searched.has(name))
    return html`<a href="/search?q=${encodeURIComponent(value.toWellFormed())}">${value}</a>`
  if (typeof value === 'string')
    return value.includes('\n') ? html`<pre class="raw" tabindex="0">${value}</pre>` : html`${value}`
  if (depth > deepest) return html`<code>${JSON.stringify(value)}</code>`
  if (Array.isArray(value) && value.length === 0) return html`none`
  if (Array.isArray(value))
    return html`${value.map((each: unknown, at) => html`${at > 0 && html`<br>`}${valuePart(name, each, depth + 1)}`)}`
  return isObject(value) ? facts(value, depth) : html`${String(value)}`
}

/** As `leaf index`. */
function wordsOf(name: string): string {
  return name.replaceAll(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
}

/** Counts over time as bars; the table that belongs to it says the same. */
import { type Html, html } from './html.ts'

export type Bar = { readonly label: string; readonly value: bigint }

const height = 72
const step = 16

export function drawBars(title: string, bars: readonly Bar[]): Html {
  const largest = bars.reduce((most, { value }) => (value > most ? value : most), 1n)
  const width = bars.length * step
  return html`<svg class="bars" viewBox="0 0 ${width} ${height + 2}" width="${width * 1.5}" role="img" aria-label="${title}, at most ${largest.toLocaleString('en')}">
${bars.map(({ label, value }, at) => {
  const tall = Number((value * BigInt(height - 2) * 10n) / largest) / 10
  return html`<g><title>${label}: ${value.toLocaleString('en')}</title><rect class="back" x="${at * step}" y="0" width="${step}" height="${height}"/><rect class="bar" x="${at * step + 2}" y="${height - tall}" width="${step - 4}" height="${tall}"/></g>
`
})}<path class="axis" d="M0 ${height}.5H${width}"/>
</svg>
<details><summary>${title} as a table</summary><div class="wide" role="group" tabindex="0" aria-label="${title} as a table"><table><caption class="unseen">${title}</caption><thead><tr><th scope="col">From</th><th scope="col" class="number">Entries</th></tr></thead><tbody>
${bars.toReversed().map(
  ({ label, value }) => html`<tr><td>${label}</td><td class="number">${value.toLocaleString('en')}</td></tr>
`,
)}</tbody></table></div></details>
`
}

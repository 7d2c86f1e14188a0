/** Facts, bytes and commands as every page of an entry shows them. */
import { type Html, html } from '../html/html.ts'
import { bytes } from '../html/page.ts'
import type { EntryBody, Fact } from './body.ts'
import type { ShellCommand } from './commands.ts'
import { longestShown } from './statement.ts'

export function artifactPart(body: EntryBody): Html {
  return html`<section aria-labelledby="what"><h2 id="what">What was signed</h2>
${factList([{ name: 'Kind', value: `${body.kind} ${body.apiVersion}` }, ...body.facts])}${
  body.digests.length > 0 &&
  html`<p>${body.digests.map((digest, at) => html`${at > 0 && ' · '}<a href="/search?q=${encodeURIComponent(digest)}">Other entries of ${at === 0 ? 'this digest' : digest.slice(0, 24)}</a>`)}</p>
`
}</section>
`
}

export function factList(facts: readonly Fact[]): Html {
  return html`<dl class="facts">
${facts.map(
  ({
    name,
    value,
  }) => html`<dt>${name}</dt><dd>${/^[a-z0-9]+:[0-9a-f]{16,}$/.test(value) ? bytes(value) : value}</dd>
`,
)}</dl>
`
}

/** As JSON where it is some, bounded: the download has all. */
export function laidOut(json: unknown, text: string): string {
  const whole = json === undefined ? text : JSON.stringify(json, undefined, 2)
  return whole.length > longestShown ? `${whole.slice(0, longestShown)}…` : whole
}

export function commandPart(commands: readonly ShellCommand[]): Html {
  return html`<section aria-labelledby="commands"><h2 id="commands">Check it yourself</h2>
${commands.map(
  ({
    what,
    command,
  }) => html`<p class="command-name">${what}</p><pre class="command" tabindex="0">${command}</pre>
`,
)}${
  commands.length === 0 &&
  html`<p>There is no command for this kind of entry.</p>
`
}</section>`
}

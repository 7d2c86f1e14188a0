/** What every page has around its own part. */
import { version } from '@sigstack/server/version'
import type { Reader } from '../reader.ts'
import { type Html, html } from './html.ts'

export type Room = 'search' | 'log' | 'trust' | 'issuers' | 'health' | 'verify' | 'watch'

export type Page = {
  readonly title: string
  readonly room?: Room
  readonly body: Html
  /** Modules of `assets/` beside the ones of all pages. */
  readonly scripts?: readonly string[]
  /** The same as data: what it is called, and where. */
  readonly others?: readonly { readonly name: string; readonly href: string; readonly type?: string }[]
}

export type Site = { readonly title: string; readonly rooms: readonly Room[] }

const names: Readonly<Record<Room, readonly [string, string]>> = {
  search: ['/', 'Search'],
  log: ['/log', 'Log'],
  trust: ['/trust', 'Trust'],
  issuers: ['/issuers', 'Issuers'],
  health: ['/health', 'Health'],
  verify: ['/verify', 'Verify'],
  watch: ['/watch', 'Watch'],
}

export function layOut(page: Page, site: Site, reader: Reader): Html {
  const { title, room, body, scripts = [], others = [] } = page
  // Nothing is hidden from who is shown nothing.
  const isLetIn = reader.seesDetails || reader.name !== undefined
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · ${site.title}</title>
<link rel="stylesheet" href="/assets/console.css">
<link rel="icon" href="/assets/icon.svg" type="image/svg+xml">
${others.flatMap(({ name, href, type }) =>
  type === undefined
    ? []
    : [
        html`<link rel="alternate" type="${type}" title="${name}" href="${href}">
`,
      ],
)}${['copy.js', ...scripts].map(
  (script) => html`<script type="module" src="${`/assets/${script}`}"></script>
`,
)}</head>
<body>
<a class="skip" href="#main">To the content</a>
<header>
<p class="brand"><a href="/">${site.title}</a></p>
<nav aria-label="Rooms"><ul>
${site.rooms
  .filter((each) => each !== 'watch' || reader.seesAlarms)
  .map((each) => {
    const [href, name] = names[each]
    return html`<li><a href="${href}"${each === room && html` aria-current="page"`}>${name}</a></li>
`
  })}</ul></nav>
</header>
<main id="main" tabindex="-1">
${body}
</main>
<footer>
${
  others.length > 0 &&
  html`<p>This page as data: ${others.map(({ name, href }, at) => html`${at > 0 && ', '}<a href="${href}">${name}</a>`)}.</p>
`
}${
  reader.isSignedIn === true &&
  html`<form class="out" method="post" action="/auth/sign-out"><button>Sign out</button></form>
`
}<p>Times are UTC. Indexes begin at zero. ${reader.hidesAddresses && isLetIn && 'E-mail addresses are hidden from readers here. '}${reader.name !== undefined && html`Read by ${reader.name} (${reader.role}). `}sigstack ${version}</p>
</footer>
</body>
</html>
`
}

/** A time in the one form of all pages. */
export function time(seconds: number): Html {
  const iso = new Date(seconds * 1000).toISOString()
  const text = `${iso.slice(0, 10)} ${iso.slice(11, 19)}`
  return html`<time datetime="${iso}">${text}</time>`
}

/** Bytes that somebody compares or copies: whole, and broken where the line ends. */
export function bytes(text: string): Html {
  return html`<code class="bytes">${text}</code>`
}

export type State = 'verified' | 'failed' | 'unchecked'

const marks: Readonly<Record<State, readonly [string, string]>> = {
  verified: ['✓', 'verified'],
  failed: ['✗', 'failed'],
  unchecked: ['–', 'not checked'],
}

/** By shape and word, not by colour alone. */
export function stateMark(state: State): Html {
  const [mark, word] = marks[state]
  return html`<span class="state ${state}"><span aria-hidden="true">${mark}</span> ${word}</span>`
}

export function sentenceList(texts: readonly string[]): Html {
  return html`${texts.map((text, at) => html`${at > 0 && (at === texts.length - 1 ? ' and ' : ', ')}${text}`)}`
}

/** Entries as a feed (RFC 4287). */
import { escaped } from '@sigstack/crypto'
import { html, textOf } from '../html/html.ts'
import type { PlacedEntry } from './places.ts'

export type Feed = { readonly base: string; readonly self: string; readonly asked: string }

export function atomOf(entries: readonly PlacedEntry[], { base, self, asked }: Feed): string {
  const [newest] = entries
  return textOf(html`<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom">
<title>Entries${asked !== '' && html` for ${escaped(asked)}`}</title>
<id>${base}${self}</id>
<link rel="self" href="${base + self}"/>
<updated>${iso(newest?.integratedTime ?? 0)}</updated>
<author><name>${base}</name></author>
${entries.map(
  ({ path, origin, logIndex, integratedTime, kind, subjects, issuers, keyHashes }) => html`<entry>
<title>${escaped(subjects[0] ?? `key ${keyHashes[0] ?? 'unknown'}`, 512)}: ${kind}</title>
<id>${base}${path ?? `/entry/rekor-v2/${encodeURIComponent(origin ?? '')}/${logIndex}`}</id>
${path !== undefined && html`<link rel="alternate" href="${base + path}"/>`}
<updated>${iso(integratedTime ?? 0)}</updated>
<summary>Entry ${logIndex}${issuers[0] !== undefined && html`, vouched for by ${escaped(issuers[0], 512)}`}</summary>
</entry>
`,
)}</feed>
`)
}

function iso(seconds: number): string {
  return new Date(seconds * 1000).toISOString()
}

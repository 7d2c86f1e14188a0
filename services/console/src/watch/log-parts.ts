/** How far the monitor has followed each log. */
import { type Html, html } from '../html/html.ts'
import { time } from '../html/page.ts'
import type { FollowedLog } from '../sources/monitor.ts'
import { secondsOf } from './alarm-parts.ts'

const states: Readonly<Record<string, readonly [string, string, string]>> = {
  following: ['✓', 'ok', 'followed'],
  behind: ['–', 'unknown', 'there is more to read'],
  inconsistent: ['✗', 'failed', 'a head does not fit'],
  unseen: ['–', 'unknown', 'no head was had yet'],
}

export function followedTable(logs: readonly FollowedLog[]): Html {
  if (logs.length === 0) return html`<p class="empty">The monitor follows no log.</p>`
  return html`<div class="wide" role="group" tabindex="0" aria-label="Followed logs"><table><caption class="unseen">Followed logs</caption>
<thead><tr><th scope="col">Log</th><th scope="col">Kind</th><th scope="col">State</th><th scope="col" class="number">Verified</th><th scope="col" class="number">Shown</th><th scope="col">Shown since</th></tr></thead><tbody>
${logs.map(logRow)}</tbody></table></div>
`
}

function logRow({ name, url, kind, state, verified, reached, newest, seenAt }: FollowedLog): Html {
  const [mark, look, words] = states[state] ?? ['?', 'unknown', state]
  const soFar = state === 'behind' && `, read so far: ${grouped(reached)}`
  return html`<tr><td class="who">${name} <span class="quiet">${url}</span></td><td>${kind}</td><td><span class="state ${look}"><span aria-hidden="true">${mark}</span> ${words}${soFar}</span></td><td class="number">${grouped(verified)}</td><td class="number">${newest !== undefined && grouped(newest)}</td><td>${seenAt !== undefined && time(secondsOf(seenAt))}</td></tr>
`
}

function grouped(count: string): string {
  return BigInt(count).toLocaleString('en')
}

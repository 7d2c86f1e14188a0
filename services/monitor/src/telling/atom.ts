/** Alarms as an Atom feed (RFC 4287). Everything in it is text. */
import type { Alarm } from '../alarms/alarm.ts'

/** `url` is where the feed is read. */
export function atomFeed(alarms: readonly Alarm[], url: string, now: Date): string {
  const updated = alarms.reduce<Date | undefined>(
    (latest, { lastAt }) => (latest === undefined || lastAt > latest ? lastAt : latest),
    undefined,
  )
  return [
    '<?xml version="1.0" encoding="utf-8"?>',
    '<feed xmlns="http://www.w3.org/2005/Atom">',
    '  <title>Alarms of the sigstack monitor</title>',
    '  <id>urn:sigstack:monitor:alarms</id>',
    `  <link rel="self" href="${xml(url)}"/>`,
    '  <author><name>sigstack monitor</name></author>',
    `  <updated>${(updated ?? now).toISOString()}</updated>`,
    ...alarms.map(entryOf),
    '</feed>',
    '',
  ].join('\n')
}

function entryOf({ id, kind, severity, state, summary, times, firstAt, lastAt }: Alarm): string {
  return [
    '  <entry>',
    `    <id>urn:sigstack:monitor:alarm:${id}</id>`,
    `    <title>${xml(`${state}: ${summary}`)}</title>`,
    `    <published>${firstAt.toISOString()}</published>`,
    `    <updated>${lastAt.toISOString()}</updated>`,
    `    <category term="${kind}"/>`,
    `    <category term="${severity}"/>`,
    `    <content type="text">${xml(`${summary}. Met ${times} times, ${state}.`)}</content>`,
    '  </entry>',
  ].join('\n')
}

const references: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

/** What XML 1.0 cannot hold at all was escaped when the summary was made. */
function xml(text: string): string {
  return text.replaceAll(/[&<>"]/g, (character) => references[character] ?? '')
}

/** Alarms by mail. What is in a message was quoted when the alarm was made; it is text, and never HTML. */
import { escaped } from '@sigstack/crypto'
import type { Send } from './deliver.ts'
import type { Event } from './event.ts'

export type MailOptions = {
  /** `smtp:` (STARTTLS where the server has it) or `smtps:`, with user and password in it where the server wants them. */
  readonly url: string
  /** Nothing is said to a server without TLS. */
  readonly needsTls: boolean
  readonly from: string
  readonly to: readonly string[]
}

const timeoutMs = 20_000
const longestSubject = 150

/** The library is loaded where mail is sent. */
export async function openMail({ url, needsTls, from, to }: MailOptions): Promise<Send & { close(): void }> {
  const { createTransport } = await import('nodemailer')
  const transport = createTransport({
    url,
    requireTLS: needsTls,
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  const send: Send = async ({ id, event }, signal) => {
    const message = {
      from,
      to: [...to],
      subject: subjectOf(event),
      text: textOf(event),
      // Whoever gets a message twice sees that it is one.
      messageId: `<${id}@sigstack-monitor>`,
      headers: { 'Auto-Submitted': 'auto-generated' },
      // Ends the connection, whatever the server says meanwhile.
      signal,
    }
    await transport.sendMail(message)
  }
  return Object.assign(send, { close: () => transport.close() })
}

const words = { 'alarm.opened': '', 'alarm.repeated': 'again: ', 'alarm.passed': 'passed: ' } as const

function subjectOf({ type, data }: Event): string {
  const said = `[sigstack ${String(data['severity'])}] ${words[type]}${String(data['summary'])}`
  return escaped(said, longestSubject)
}

function textOf({ timestamp, data }: Event): string {
  const { summary, kind, severity, state, times, firstAt, lastAt, id, detail } = data
  return [
    String(summary),
    '',
    `alarm ${String(id)}, ${String(kind)}, ${String(severity)}, ${String(state)}, met ${String(times)} times`,
    `first ${String(firstAt)}, last ${String(lastAt)}, told ${timestamp}`,
    '',
    JSON.stringify(detail, undefined, 2),
    '',
  ].join('\n')
}

/** One request that is sent to both logs of Rekor v2. */
import type { Request } from '../exchange.ts'

export type Case = { readonly name: string; readonly request: Request }

export const entriesPath = '/api/v2/log/entries'

export function posted(name: string, body: unknown): Case {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const headers = { 'content-type': 'application/json' }
  return { name, request: { method: 'POST', path: entriesPath, headers, body: text } }
}

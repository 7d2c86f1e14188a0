/** Promises about the wire in tables: one row for each thing that a client, or a person behind it, can see. */
import type { FastifyInstance, InjectOptions } from 'fastify'
import type { Test } from 'tap'
import { json } from './support.ts'

export const entries = '/api/v1/log/entries'
export const retrieve = '/api/v1/log/entries/retrieve'
export const index = '/api/v1/index/retrieve'
export const missingHash = '0'.repeat(64)

export const browsers = { 'access-control-allow-origin': '*', vary: 'Origin' }
export const asJson = { ...browsers, 'content-type': 'application/json' }
export const uncached = {
  expires: 'Thu, 01 Jan 1970 00:00:00 GMT',
  'cache-control': 'no-cache, no-store, no-transform, must-revalidate, private, max-age=0',
  pragma: 'no-cache',
  'x-accel-expires': '0',
}
export const cacheable = Object.fromEntries(Object.keys(uncached).map((name) => [name, undefined]))
export const noType = { 'content-type': undefined }

/** A promise: what is asked, and the status, headers and whole body of the answer. */
export type Row = readonly [
  name: string,
  ask: InjectOptions,
  status: number,
  headers: Readonly<Record<string, string | undefined>>,
  body?: string | RegExp,
]
export const get = (url: string, headers: Record<string, string> = {}): InjectOptions => ({
  method: 'GET',
  url,
  headers,
})
export const post = (url: string, body: unknown, headers: Record<string, string> = json): InjectOptions => ({
  method: 'POST',
  url,
  headers,
  payload: typeof body === 'string' ? body : JSON.stringify(body),
})
export const error = (code: number, message: string) => `${JSON.stringify({ code, message })}\n`
export const refused = (reason: string) => error(400, `error processing entry: ${reason}`)

export async function assertRows(t: Test, app: FastifyInstance, rows: readonly Row[]) {
  for (const [name, ask, status, headers, body] of rows) {
    const answer = await app.inject(ask)
    const seen = Object.fromEntries(Object.keys(headers).map((header) => [header, answer.headers[header]]))
    t.strictSame({ status: answer.statusCode, ...seen }, { status, ...headers }, name)
    if (body instanceof RegExp) t.match(answer.body, body, name)
    else if (body !== undefined) t.equal(answer.body, body, name)
  }
}

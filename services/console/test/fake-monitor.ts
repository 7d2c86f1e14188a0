/** A monitor that answers by its API as a test wants it, and keeps what it was asked. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { Test } from 'tap'

export const token = 'a-token-of-the-monitor'
export const script = '<script>document.title="owned"</script>'
export const turned = 'alice\u202egro.live'

export type Asked = {
  readonly method: string
  readonly path: string
  readonly authorization: string | undefined
  readonly body: unknown
}

const at = '2026-03-01T12:00:00.000Z'

export const alarm = {
  id: '7',
  kind: 'identity-seen',
  severity: 'notice',
  summary: `${script} has signed: ${turned}`,
  detail: {
    sightings: [
      { log: '1', leafIndex: '3', subjects: [script, turned], more: { deep: { deeper: [1] } } },
      { log: '3', leafIndex: '4' },
    ],
    note: 'a\nb',
    size: 2 ** 60,
  },
  log: '1',
  watch: '2',
  state: 'open',
  times: 2,
  firstAt: at,
  lastAt: at,
}

const { watch: _watch, ...ofLog } = alarm
const urgent = {
  ...ofLog,
  id: '8',
  kind: 'inconsistent-head',
  severity: 'page',
  summary: 'two heads',
  times: 1,
}
const acts = [{ act: 'acknowledge', at, by: script, note: turned }]
const watch = {
  id: '2',
  name: `=${script}`,
  subject: { glob: '*@example.org' },
  alarmOn: ['identity-seen'],
  paused: false,
  source: 'api',
  createdAt: at,
  createdBy: turned,
  findings: 3,
  lastFoundAt: at,
}
const log = {
  id: '1',
  name: 'rekor',
  kind: 'rekor-v1',
  url: 'javascript:alert(1)',
  state: 'behind',
  verified: { size: '3', rootHash: 'ab' },
  reached: '65536',
  newest: { size: '123456', rootHash: 'cd', seenAt: at },
  headsSeen: 4,
}

const ct = { ...log, id: '3', name: 'certificates', kind: 'ct', url: 'http://127.0.0.1:9/' }

export const answers = {
  'GET /alarms': { alarms: [alarm, urgent] },
  'GET /alarms/7': { ...alarm, state: 'acknowledged', acts },
  'POST /alarms/7/acknowledge': { ...alarm, state: 'acknowledged', acts },
  'POST /alarms/7/close': { ...alarm, state: 'closed', acts },
  'GET /watches': { watches: [watch], next: '2' },
  'POST /watches': watch,
  'DELETE /watches/2': {},
  'GET /logs': { logs: [log, ct] },
} satisfies Readonly<Record<string, unknown>>

/** `changed` replaces answers by method and path; one with a `status` is a refusal. */
export async function openFakeMonitor(
  t: Test,
  changed: Readonly<Record<string, unknown>> = {},
): Promise<{ readonly url: string; readonly asked: readonly Asked[] }> {
  const asked: Asked[] = []
  const server = createServer((request, response) => {
    void text(request).then((sent) => {
      const { method = '', headers } = request
      const path = new URL(request.url ?? '', 'http://monitor').pathname.replace(/^\/api\/v1/, '')
      const { authorization } = headers
      asked.push({ method, path, authorization, body: sent === '' ? undefined : JSON.parse(sent) })
      const isKnown = authorization === `Bearer ${token}`
      const all: Readonly<Record<string, unknown>> = { ...answers, ...changed }
      const answer = all[`${method} ${path}`] as { readonly status?: number } | undefined
      const refusal = isKnown ? { status: 404, detail: 'no such row' } : { status: 401, detail: 'no token' }
      const told = isKnown && answer !== undefined ? answer : refusal
      response.writeHead(told.status ?? 200, { 'content-type': 'application/json' })
      response.end(JSON.stringify(told))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

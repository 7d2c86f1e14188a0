/** What a monitor says of its logs, by a server that answers as one. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { runCommand } from './support.ts'

type Answers = { readonly logs: readonly object[]; readonly alarms: readonly object[] }

async function openServer(t: Test, answers: Answers, token?: string): Promise<string> {
  const server = createServer((request, response) => {
    const isLet = token === undefined || request.headers.authorization === `Bearer ${token}`
    const member = request.url?.startsWith('/api/v1/logs') ? 'logs' : 'alarms'
    response.writeHead(isLet ? 200 : 401).end(JSON.stringify({ [member]: answers[member] }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const read = { name: 'ct', state: 'following', verified: { size: '7' }, newest: { size: '7' } }
const behind = { ...read, name: 'rekor', shard: '12', state: 'behind', reached: '8', newest: { size: '9' } }
const notice = {
  id: '1',
  severity: 'notice',
  kind: 'identity-seen',
  times: 3,
  lastAt: '2026-03-04T10:00:00.000Z',
  summary: '"app" was found',
}

t.test('logs that fit, and a notice, are no trouble', async (t) => {
  const url = await openServer(t, { logs: [read, behind], alarms: [notice] })
  const { status, out } = await runCommand(['monitor', 'status', '--url', url])
  t.equal(status, 0)
  t.equal(
    out,
    'ct: 7 entries, all read\n' +
      'rekor, shard 12: 8 of 9 entries read\n' +
      '1 open alarm:\n' +
      '  1 notice identity-seen, met 3 times, last 2026-03-04T10:00:00.000Z: "app" was found\n',
  )
})

t.test('a log that does not fit, or an alarm that pages, is status 1', async (t) => {
  const inconsistent = await openServer(t, { logs: [{ ...read, state: 'inconsistent' }], alarms: [] })
  const first = await runCommand(['monitor', 'status', '--url', inconsistent])
  t.match(first, { status: 1, out: /^ct: INCONSISTENT: .*\nno open alarms\n$/ })
  const paging = await openServer(t, {
    logs: [read],
    alarms: [{ ...notice, severity: 'page', summary: 'a\u001b[2J' }],
  })
  const second = await runCommand(['monitor', 'status', '--url', paging])
  t.match(second, { status: 1, out: 'a\\u001b[2J' })
  const json = await runCommand(['monitor', 'status', '--json', '--url', paging])
  t.match(JSON.parse(json.out), { logs: [read], alarms: [{ id: '1' }] })
})

t.test('a token is shown where it is wanted', async (t) => {
  const url = await openServer(t, { logs: [], alarms: [] }, 'a-token')
  const words = ['monitor', 'status', '--url', url]
  t.match(await runCommand(words), { status: 1, err: /wants its token/ })
  t.match(await runCommand(words, { MONITOR_TOKEN: 'a-token' }), { status: 0, out: 'no open alarms\n' })
})

t.test('what is no monitor is told of', async (t) => {
  const url = await openServer(t, { logs: 'none', alarms: [] } as unknown as Answers)
  t.match(await runCommand(['monitor', 'status', '--url', url]), { status: 1, err: /is not of a monitor/ })
  const words = ['monitor', 'status', '--data', t.testdir()]
  t.match(await runCommand(words), { status: 1, err: /no stack is running/ })
})

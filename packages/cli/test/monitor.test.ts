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

const at = '2026-03-04T10:00:00.000Z'
const headOf = (size: string) => ({ size, rootHash: 'ab'.repeat(32) })
const read = {
  id: '1',
  name: 'ct',
  kind: 'ct',
  url: 'http://127.0.0.1:6962',
  state: 'following',
  verified: headOf('7'),
  newest: { ...headOf('7'), seenAt: at },
  headsSeen: 3,
}
const behind = {
  ...read,
  name: 'rekor',
  kind: 'rekor-v1',
  shard: '12',
  state: 'behind',
  reached: '8',
  newest: { ...headOf('9'), seenAt: at },
}
const notice = {
  id: '1',
  severity: 'notice',
  kind: 'identity-seen',
  detail: {},
  state: 'open',
  times: 3,
  firstAt: at,
  lastAt: at,
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

t.test('a log of which no head was seen, and words of a newer monitor, are told', async (t) => {
  const { newest: _newest, ...unseen } = { ...read, state: 'unseen' }
  const url = await openServer(t, {
    logs: [unseen, { ...read, name: 'b'.repeat(600) }],
    alarms: [{ ...notice, kind: 'a-newer-kind' }],
  })
  const { status, out } = await runCommand(['monitor', 'status', '--url', url])
  t.equal(status, 0)
  t.match(out, 'ct: no head was seen yet\n')
  t.match(out, `\n${'b'.repeat(500)}…: 7 entries, all read\n`)
  t.match(out, '1 notice a-newer-kind, met 3 times')
})

t.test('an answer of another form than the API has is refused in one sentence', async (t) => {
  const { verified: _verified, ...without } = read
  const answers: Readonly<Record<string, Answers>> = {
    'a log without what was verified': { logs: [without], alarms: [] },
    'a size that is no number': { logs: [{ ...read, verified: headOf('many') }], alarms: [] },
    'a name that is no text': { logs: [{ ...read, name: { first: 'a' } }], alarms: [] },
    'an alarm without a severity': { logs: [read], alarms: [{ ...notice, severity: 1 }] },
    'an alarm at no time': { logs: [read], alarms: [{ ...notice, lastAt: 'yesterday' }] },
    'a log that is no object': { logs: ['rekor'] as unknown as object[], alarms: [] },
  }
  for (const [name, answer] of Object.entries(answers)) {
    const words = ['monitor', 'status', '--url', await openServer(t, answer)]
    const { status, out, err } = await runCommand(words)
    t.match({ status, out }, { status: 1, out: '' }, name)
    t.match(err, /^.*what http:.* answers \(status 200\) is not of a monitor.*$/m, name)
    t.match(err, 'Name the monitor itself', name)
  }
})

t.test('what is no monitor is told of', async (t) => {
  const url = await openServer(t, { logs: 'none', alarms: [] } as unknown as Answers)
  t.match(await runCommand(['monitor', 'status', '--url', url]), { status: 1, err: /is not of a monitor/ })
  const words = ['monitor', 'status', '--data', t.testdir()]
  t.match(await runCommand(words), { status: 1, err: /no stack is running/ })
})

/** Ways out: a signed webhook, mail, and a feed; what was not taken is told again. */
import { createHmac } from 'node:crypto'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import { type AddressInfo, createServer as createSocketServer } from 'node:net'
import t, { type Test } from 'tap'
import { openMonitor } from './support.ts'
import { newSigner, openTestLog, textLeaves } from './test-log.ts'

const secret = 'a secret of the receiver'

type Received = { readonly headers: IncomingHttpHeaders; readonly body: string }

async function openReceiver(t: Test) {
  const received: Received[] = []
  const answers: number[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (part) => (body += part))
    request.on('end', () => {
      received.push({ headers: request.headers, body })
      response.writeHead(answers.shift() ?? 204).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, received, answers }
}

/** Enough of RFC 5321 for one client at a time. */
async function openMailServer(t: Test) {
  const messages: string[] = []
  const server = createSocketServer((socket) => {
    let rest = ''
    let message: string | undefined
    socket.write('220 mail.example\r\n')
    socket.on('error', () => {})
    socket.on('data', (part) => {
      rest += String(part)
      for (let end = rest.indexOf('\r\n'); end !== -1; end = rest.indexOf('\r\n')) {
        const line = rest.slice(0, end)
        rest = rest.slice(end + 2)
        if (message !== undefined && line !== '.') {
          message += `${line}\n`
          continue
        }
        if (message !== undefined) messages.push(message)
        const isData = message === undefined && line === 'DATA'
        message = isData ? '' : undefined
        socket.write(isData ? '354 go on\r\n' : line.startsWith('QUIT') ? '221 bye\r\n' : '250 ok\r\n')
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => void server.close())
  return { url: `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`, messages }
}

async function open(t: Test, settings: Readonly<Record<string, string>>) {
  const log = await openTestLog(t)
  const logs = [{ name: 'log', kind: 'rekor-v2', url: log.url, key: log.vkey }]
  const monitor = await openMonitor(t, {
    logs,
    settings: { MONITOR_ALARM_AFTER_SECONDS: '0', ...settings },
    start: { rounds: false },
  })
  return { log, monitor }
}

t.test('an alarm is told by a signed webhook, until it was taken, and when it has passed', async (t) => {
  const receiver = await openReceiver(t)
  const { log, monitor } = await open(t, {
    MONITOR_WEBHOOK_URL: receiver.url,
    MONITOR_WEBHOOK_SECRET: secret,
  })
  log.fail(500)
  receiver.answers.push(503)
  await monitor.look()
  await monitor.look()
  await monitor.tell()
  t.equal(receiver.received.length, 1, 'one alarm is one message, however often it is met')
  await monitor.tell()
  t.equal(receiver.received.length, 1, 'it is not yet time to try again')
  await monitor.database.pool.query('update monitor_delivery set next_at = now()')
  await monitor.tell()
  const [first, second] = receiver.received
  t.equal(second?.body, first?.body)
  t.equal(second?.headers['webhook-id'], first?.headers['webhook-id'])
  for (const { headers, body } of receiver.received) {
    const signed = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`
    const expected = createHmac('sha256', secret).update(signed).digest('base64')
    t.equal(headers['webhook-signature'], `v1,${expected}`)
  }
  t.match(JSON.parse(first?.body ?? ''), {
    type: 'alarm.opened',
    data: { kind: 'unreachable', severity: 'ticket', state: 'open', summary: /log cannot be followed/ },
  })
  log.fail(undefined)
  await monitor.look()
  await monitor.tell()
  t.match(JSON.parse(receiver.received[2]?.body ?? ''), { type: 'alarm.passed', data: { state: 'closed' } })
  const metrics = await (await fetch(`${monitor.url}/metrics`)).text()
  t.match(metrics, 'monitor_deliveries_total{channel="webhook",outcome="delivered"} 2')
  t.match(metrics, 'monitor_deliveries_total{channel="webhook",outcome="failed"} 1')
})

t.test('an alarm is told by mail', async (t) => {
  const server = await openMailServer(t)
  const { log, monitor } = await open(t, {
    MONITOR_MAIL_URL: server.url,
    MONITOR_MAIL_FROM: 'monitor@example.com',
    MONITOR_MAIL_TO: 'ada@example.com, bob@example.com',
  })
  log.show(textLeaves(2))
  log.signWith(newSigner())
  await monitor.look()
  await monitor.tell()
  t.equal(server.messages.length, 1)
  t.match(server.messages[0], /^Subject: .*sigstack_page/m)
  t.match(server.messages[0], /^To: ada@example\.com, bob@example\.com$/m)
  t.match(server.messages[0], /bad-signature/)
})

t.test('mail is set whole or not at all', async (t) => {
  await t.rejects(open(t, { MONITOR_MAIL_TO: 'ada@example.com' }), /belong together/)
  await t.rejects(
    open(t, {
      MONITOR_MAIL_URL: 'smtp://127.0.0.1',
      MONITOR_MAIL_FROM: 'a@example.com',
      MONITOR_MAIL_TO: 'ada',
    }),
    /must list e-mail addresses/,
  )
})

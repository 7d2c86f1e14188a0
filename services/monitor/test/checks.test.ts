/** Trust that ends soon, and clocks that are off. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parsePublicKeyPem, sha256 } from '@sigstack/crypto'
import { encodeTrustedRoot } from '@sigstack/trust-root'
import t, { type Test } from 'tap'
import { openAuthority, precertificateLeaf } from './entries.ts'
import { openMonitor, type TestMonitor } from './support.ts'
import { newSigner, openTestLog, textLeaves } from './test-log.ts'

const now = Date.parse('2026-03-04T10:00:00Z')

async function openFiles(t: Test, files: Readonly<Record<string, () => string>>): Promise<string> {
  const server = createServer((request, response) => {
    const file = files[request.url ?? '']
    response.writeHead(file === undefined ? 404 : 200).end(file?.())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function summariesOf(monitor: TestMonitor): Promise<readonly string[]> {
  const { alarms } = (await monitor.get('/api/v1/alarms?state=open')).body as {
    alarms: { summary: string }[]
  }
  return alarms.map(({ summary }) => summary).reverse()
}

t.test('trust that ends soon is an alarm until there is newer', async (t) => {
  const { root } = await openAuthority()
  const authority = (end?: string) => ({
    subject: { organization: 'test', commonName: 'test' },
    uri: 'https://ca.example',
    chain: [root.der],
    validFor: { start: root.notBefore, ...(end !== undefined && { end: new Date(end) }) },
  })
  let authorities = [authority('2026-03-20T00:00:00Z')]
  let timestampEnds = '2026-03-05T00:00:00Z'
  const version = { version: 3 }
  const signed = (expires: string, meta = {}) => JSON.stringify({ signed: { expires, meta }, signatures: [] })
  const url = await openFiles(t, {
    '/trusted_root.json': () =>
      encodeTrustedRoot({
        tlogs: [],
        ctlogs: [],
        timestampAuthorities: [],
        certificateAuthorities: authorities,
      }),
    '/tuf/root.json': () => signed('2027-01-01T00:00:00Z'),
    '/tuf/timestamp.json': () => signed(timestampEnds, { 'snapshot.json': version }),
    '/tuf/3.snapshot.json': () => signed('2027-01-01T00:00:00Z', { 'targets.json': version }),
    '/tuf/3.targets.json': () => signed('2026-03-01T00:00:00Z'),
  })
  let nowMs = now
  const monitor = await openMonitor(t, {
    settings: {
      MONITOR_ALARM_AFTER_SECONDS: '0',
      MONITOR_TRUSTED_ROOT_URL: `${url}/trusted_root.json`,
      MONITOR_TUF_URL: `${url}/tuf`,
    },
    start: { rounds: false, now: () => nowMs },
  })
  await monitor.look()
  t.strictSame(await summariesOf(monitor), [
    'the certificate authority ends at 2026-03-20T00:00:00.000Z, in 15 days',
    'the TUF metadata of targets has ended, at 2026-03-01T00:00:00.000Z',
    'the TUF metadata of timestamp ends at 2026-03-05T00:00:00.000Z, in 0 days',
  ])
  authorities = [...authorities, authority()]
  timestampEnds = '2026-03-11T00:00:00Z'
  nowMs += 3_600_000
  await monitor.look()
  t.strictSame(await summariesOf(monitor), [
    'the TUF metadata of targets has ended, at 2026-03-01T00:00:00.000Z',
  ])
})

t.test('a clock that is off is an alarm', async (t) => {
  const log = await openTestLog(t)
  log.show(textLeaves(1))
  // The log tells the time of this machine.
  let offMs = 0
  const monitor = await openMonitor(t, {
    logs: [{ name: 'log', kind: 'rekor-v2', url: log.url, key: log.vkey }],
    settings: { MONITOR_ALARM_AFTER_SECONDS: '0', MONITOR_CLOCK_DRIFT_SECONDS: '3600' },
    start: { rounds: false, now: () => Date.now() + offMs },
  })
  await monitor.look()
  t.strictSame(await summariesOf(monitor), [])
  offMs = 86_400_000
  await monitor.look()
  t.match(await summariesOf(monitor), [
    /^the clock at http:\/\/127\.0\.0\.1:\d+ is 8\d{4} s behind that of the monitor$/,
  ])
  offMs = 0
  await monitor.look()
  t.strictSame(await summariesOf(monitor), [])
})

t.test('a certificate of another authority in the own CT log is an alarm', async (t) => {
  const log = await openTestLog(t, { signer: newSigner('ecdsa') })
  const [own, stranger] = [await openAuthority(), await openAuthority()]
  const start = new Date('2026-01-01T00:00:00Z')
  const url = await openFiles(t, {
    '/trusted_root.json': () =>
      encodeTrustedRoot({
        tlogs: [],
        ctlogs: [
          {
            baseUrl: log.url,
            publicKey: parsePublicKeyPem(log.publicKeyPem).spki,
            keyDetails: 'PKIX_ECDSA_P256_SHA_256',
            logId: sha256(parsePublicKeyPem(log.publicKeyPem).spki),
            validFor: { start },
          },
        ],
        timestampAuthorities: [],
        certificateAuthorities: [
          {
            subject: { organization: 'test', commonName: 'test' },
            uri: 'https://ca.example',
            chain: [own.root.der],
            validFor: { start },
          },
        ],
      }),
  })
  const monitor = await openMonitor(t, {
    logs: [{ name: 'ct', kind: 'ct', url: log.url }],
    settings: { MONITOR_TRUSTED_ROOT_URL: `${url}/trusted_root.json` },
    start: { rounds: false },
  })
  const san = { type: 'email', value: 'ada@example.com' } as const
  const request = { san, claims: { issuer: 'https://accounts.example' }, at: new Date(now) }
  const leaves = await Promise.all(
    [own, own, stranger].map(async (authority) =>
      precertificateLeaf((await authority.issue(request)).tbs, now, authority.root),
    ),
  )
  log.show(leaves.slice(0, 2))
  await monitor.look()
  t.strictSame(await summariesOf(monitor), [])
  log.show(leaves)
  await monitor.look()
  t.strictSame(await summariesOf(monitor), [
    'entry 2 of ct is a certificate of no authority of the trusted root',
  ])
})

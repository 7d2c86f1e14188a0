import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { encodePublicKeyPem, type PublicKey, parsePublicKey } from '@sigstack/crypto'
import { parseSigningConfig, parseTrustedRoot } from '@sigstack/trust-root'
import t from 'tap'
import { collect } from '../src/collection/collect.ts'
import { urlInLine } from '../src/collection/line.ts'
import { readConfig } from '../src/config.ts'
import { composeFiles, rekorV2Urls } from '../src/publication/files.ts'
import { mergeTrust } from '../src/publication/merge.ts'
import { composeTargets } from '../src/repository/targets.ts'
import { ctKey } from './material.ts'

t.test(
  'logs that follow each other are all trusted, and clients are sent to the newest at any time',
  async (t) => {
    const url = 'https://log2026.rekor.example.org:8443'
    const nextUrl = 'https://log2027.rekor.example.org:8443'
    const [first, next] = [rekorV2Key(), rekorV2Key()]
    const pemOf = (publicKey: PublicKey) => encodePublicKeyPem(publicKey)
    const answers = (state: object) =>
      JSON.stringify({
        logs: [
          { origin: 'log2026.rekor.example.org', publicKey: pemOf(first), state: 'open' },
          { origin: 'log2027.rekor.example.org', publicKey: pemOf(next), ...state },
        ],
      })
    const serve = async (text: string) => {
      const server = createServer((request, response) => {
        response.writeHead(request.url === '/api/v2/log/shards' ? 200 : 404).end(text)
      }).listen(0, '127.0.0.1')
      t.teardown(() => server.close())
      await once(server, 'listening')
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    }
    const read = readConfig({
      PUBLIC_CA_URL: 'https://ca.example.org',
      PUBLIC_REKOR_URL: 'none',
      PUBLIC_REKOR_V2_URL: url,
      PUBLIC_CT_URL: 'none',
      PUBLIC_TSA_URL: 'https://tsa.example.org',
      PUBLIC_OIDC_ISSUER: 'https://login.example.org/',
    })
    const publishAs = async (state: object) => {
      const keys = { url: await serve(answers(state)) }
      const service = { kind: 'rekorV2', apiVersion: 2, url, keys } as const
      const all = await collect([service], new AbortController().signal)
      const trust = mergeTrust(undefined, all, { now: new Date('2026-12-01T00:00:00Z'), marginSeconds: 0 })
      const files = composeFiles(trust, read, all)
      const root = parseTrustedRoot(files.trustedRoot)
      t.same(
        root.tlogs.map(({ baseUrl, publicKey, validFor }) => [
          baseUrl,
          pemOf(parsePublicKey(publicKey)),
          validFor.end,
        ]),
        [
          [url, pemOf(first), undefined],
          [nextUrl, pemOf(next), undefined],
        ],
      )
      t.same(
        composeTargets(root, files, rekorV2Urls(all)).filter(({ name }) => name.startsWith('rekor')),
        [],
      )
      return parseSigningConfig(files.signingConfig).rekorTlogUrls
    }
    const start = new Date('2026-12-01T00:00:00Z')
    t.match(await publishAs({ state: 'prepared' }), [{ url, validFor: { start, end: undefined } }])
    const since = new Date('2027-01-01T00:00:00Z')
    const opened = await publishAs({ state: 'open', openedAt: '2027-01-01T00:00:00.999Z' })
    t.same(
      opened.map((log) => [log.url, log.validFor]),
      [
        [nextUrl, { start: since }],
        [url, { start, end: since }],
      ],
      'one is valid at any time, the newest first',
    )
    for (const wrong of ['{}', answers({ state: 'gone' }), answers({ state: 'open', publicKey: 'x' })]) {
      const service = { kind: 'rekorV2', apiVersion: 2, url, keys: { url: await serve(wrong) } } as const
      const { signal } = new AbortController()
      await t.rejects(collect([service], signal), { name: 'TrustError', code: 'source_unusable' })
    }
  },
)

function rekorV2Key(): PublicKey {
  return parsePublicKey(generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'der' }))
}

t.test('where clients reach the logs that follow is told by one of them', (t) => {
  const log = (origin: string, prefix = '') => ({ origin, prefix, publicKey: ctKey, isPrepared: false })
  const cases = [
    ['https://ct.example.org', ['', '/2027'], ['https://ct.example.org', 'https://ct.example.org/2027']],
    [
      'https://ct.example.org/2026',
      ['/2026', '/2027'],
      ['https://ct.example.org/2026', 'https://ct.example.org/2027'],
    ],
    ['https://example.org/ct', ['', '/2027'], ['https://example.org/ct', 'https://example.org/ct/2027']],
    ['https://example.org/ct/2027', ['', '/2027'], ['https://example.org/ct', 'https://example.org/ct/2027']],
  ] as const
  for (const [url, prefixes, expected] of cases) {
    const logs = prefixes.map((prefix) => log(`ct.example.org${prefix}`, prefix))
    t.same(
      logs.map((each) => urlInLine(url, each, logs)),
      expected,
    )
  }
  const hosts = [log('::1'), log('log.example.org')]
  t.same(
    hosts.map((each) => urlInLine('http://[::1]:3003', each, hosts)),
    ['http://[::1]:3003', 'http://log.example.org:3003'],
  )
  t.end()
})

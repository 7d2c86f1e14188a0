import fc from 'fast-check'
import t from 'tap'
import { type IssuerEntry, isIssuerUrl } from '../src/issuers/issuer.ts'
import { createIssuerRegistry } from '../src/issuers/registry.ts'

fc.configureGlobal({ seed: 1 })

const entry = (url: string, more: Partial<IssuerEntry> = {}): IssuerEntry => ({
  url,
  allowPrivateNetwork: false,
  allowHttp: false,
  ...more,
})

t.test('issuers are found byte for byte, named ones before patterns', async (t) => {
  const named = entry('https://a.example.com', { caCertificate: 'named' })
  const registry = createIssuerRegistry([
    entry('https://*.example.com'),
    named,
    entry('https://b.example.com/'),
  ])
  t.equal(registry.find('https://a.example.com')?.entry.caCertificate, 'named')
  t.equal(registry.find('https://c.example.com')?.entry.url, 'https://*.example.com')
  t.ok(registry.find('https://b.example.com/'))
  t.same(
    registry.named.map(({ url }) => url),
    ['https://a.example.com', 'https://b.example.com/'],
  )
  const strangers = [
    '',
    'https://a.example.com/',
    'HTTPS://a.example.com',
    'https://a.example.com#',
    'https://*.example.com',
  ]
  for (const url of strangers) t.equal(registry.find(url), undefined, url)
})

t.test('no query text finds an issuer that was not configured', async (t) => {
  const registry = createIssuerRegistry([entry('https://a.example.com'), entry('https://*.example.org/x')])
  const nasty = fc.oneof(
    fc.string(),
    fc.webUrl({ withQueryParameters: true, withFragments: true }),
    fc
      .tuple(fc.constantFrom('https://a.example.com', 'https://b.example.org/x'), fc.string({ minLength: 1 }))
      .map(([a, b]) => a + b),
  )
  fc.assert(
    fc.property(nasty, (url) => {
      const found = registry.find(url)
      return (
        found === undefined ||
        url === 'https://a.example.com' ||
        /^https:\/\/[A-Za-z0-9_-]+\.example\.org\/x$/.test(url)
      )
    }),
    { numRuns: 2000 },
  )
  t.equal(registry.find(`https://${'a'.repeat(5000)}.example.org/x`), undefined)
})

t.test('an issuer URL has https, a host, and neither query, fragment, credentials nor spaces', async (t) => {
  const https = { allowHttp: false }
  for (const url of [
    'https://a.example.com',
    'https://a.example.com/',
    'https://a.example.com:8443/realms/x',
  ]) {
    t.ok(isIssuerUrl(url, https), url)
  }
  const bad = [
    '',
    'a.example.com',
    'https://',
    'http://a.example.com',
    'https://a?b',
    'https://a#b',
    'https://u@a',
    'https://a b',
    'https:\\\\a',
    'javascript:alert(1)',
  ]
  for (const url of bad) t.notOk(isIssuerUrl(url, https), url)
  t.ok(isIssuerUrl('http://localhost:5558', { allowHttp: true }))
})

import fc from 'fast-check'
import t from 'tap'
import { type IssuerEntry, isIssuerUrl } from '../src/issuers/issuer.ts'
import { compilePattern } from '../src/issuers/pattern.ts'
import { createIssuerRegistry } from '../src/issuers/registry.ts'

const entry = (url: string, more: Partial<IssuerEntry> = {}): IssuerEntry => ({
  url,
  allowPrivateNetwork: false,
  allowHttp: false,
  ...more,
})

/** The definition, spelt out: does `url` fall into the literals with one or more word characters between? */
function matchesSlowly(pattern: string, url: string): boolean {
  const star = pattern.indexOf('*')
  if (star === -1) return pattern === url
  if (!url.startsWith(pattern.slice(0, star))) return false
  const rest = url.slice(star)
  for (let taken = 1; taken <= rest.length; taken++) {
    if (!/^[A-Za-z0-9_-]$/.test(rest[taken - 1] ?? '')) return false
    if (matchesSlowly(pattern.slice(star + 1), rest.slice(taken))) return true
  }
  return false
}

t.test('a star takes one or more word characters, and both ends are anchored', async (t) => {
  const matches = compilePattern('https://oidc.eks.*.amazonaws.com/id/*')
  t.ok(matches('https://oidc.eks.us-west-2.amazonaws.com/id/B02C93B6A2D30341AD01E1B6D48164CB'))
  const strangers = [
    'https://oidc.eks.us-west-2.amazonaws.com/id/',
    'https://oidc.eks..amazonaws.com/id/X',
    'https://oidc.eks.evil.com/.amazonaws.com/id/X',
    'https://oidc.eks.a.b.amazonaws.com/id/X',
    'https://evil.com/?https://oidc.eks.x.amazonaws.com/id/X',
    'https://oidc.eks.x.amazonaws.com/id/X/more',
    'https://oidc.eks.x.amazonaws.com/id/X\n',
    'https://oidc.eks.x.amazonaws.com/id/X@evil.com',
    'https://oidcxeks.x.amazonaws.com/id/X',
    'https://oidc.eks.ü.amazonaws.com/id/X',
  ]
  for (const url of strangers) t.notOk(matches(url), url)
})

t.test('patterns agree with their definition on any input', async (t) => {
  const text = (alphabet: string) =>
    fc.string({ unit: fc.constantFrom(...alphabet.split('')), maxLength: 12 })
  fc.assert(
    fc.property(text('ab*.-/('), text('ab.-/(\n'), (pattern, url) => {
      return compilePattern(pattern)(url) === matchesSlowly(pattern, url)
    }),
    { seed: 7, numRuns: 3000 },
  )
  fc.assert(fc.property(fc.string(), (pattern) => compilePattern(pattern)(pattern.replaceAll('*', 'x'))))
  t.pass()
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

import fc from 'fast-check'
import t from 'tap'
import { issuerPattern } from '../src/index.ts'

fc.configureGlobal({ seed: 1 })

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
  const matches = issuerPattern('https://oidc.eks.*.amazonaws.com/id/*')
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

t.test('many stars in a row of letters take no more time than one', { timeout: 60_000 }, async (t) => {
  const matches = issuerPattern(`https://${'*a'.repeat(20)}.example.com`)
  t.notOk(matches(`https://${'a'.repeat(16_000)}`))
  t.ok(matches(`https://${'a'.repeat(16_000)}.example.com`))
})

t.test('patterns agree with their definition on any input', async (t) => {
  const text = (alphabet: string) =>
    fc.string({ unit: fc.constantFrom(...alphabet.split('')), maxLength: 12 })
  fc.assert(
    fc.property(text('ab*.-/('), text('ab.-/(\n'), (pattern, url) => {
      return issuerPattern(pattern)(url) === matchesSlowly(pattern, url)
    }),
    { seed: 7, numRuns: 3000 },
  )
  fc.assert(fc.property(fc.string(), (pattern) => issuerPattern(pattern)(pattern.replaceAll('*', 'x'))))
  t.pass()
})

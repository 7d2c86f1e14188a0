import fc from 'fast-check'
import t from 'tap'
import {
  domainOfEmail,
  globForRule,
  matchesGlob,
  nameForDenial,
  normalDomain,
  normalDomainPattern,
  normalEmail,
} from '../src/index.ts'

fc.configureGlobal({ seed: 1 })

t.test('a star ends at a slash, two do not, and everything else is itself', async (t) => {
  const cases: [glob: string, text: string, matches: boolean][] = [
    ['abc', 'abc', true],
    ['abc', 'abcd', false],
    ['abc', 'ABC', false],
    ['a.c', 'abc', false],
    ['a?c', 'a?c', true],
    ['a[b]', 'a[b]', true],
    ['', '', true],
    ['*', '', true],
    ['*', 'a/b', false],
    ['**', 'a/b', true],
    ['acme/*', 'acme/app', true],
    ['acme/*', 'acme/app/sub', false],
    ['acme/**', 'acme/app/sub', true],
    ['acme/**', 'acme', false],
    ['**/app', 'x/y/app', true],
    ['a*a', 'a', false],
    ['a*b*c', 'a-c-b-c', true],
    ['*/*', '/', true],
    ['*é*', 'caféß', true],
    ['*🙂', 'a🙂', true],
    ['***', 'a/b', true],
  ]
  for (const [glob, text, matches] of cases) t.equal(matchesGlob(glob, text), matches, `${glob} ${text}`)
})

t.test('globs agree with the textbook regular expression', async (t) => {
  const slow = (glob: string): RegExp =>
    new RegExp(
      `^${glob
        .split(/(\*\*|\*)/)
        .map((part) =>
          part === '**' ? '[^]*' : part === '*' ? '[^/]*' : part.replaceAll(/[^a-z/]/g, '\\$&'),
        )
        .join('')}$`,
    )
  const piece = fc.constantFrom('*', '**', 'a', 'b', '/', 'ab', '.')
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 7 }),
      fc.array(fc.constantFrom('a', 'b', '/', '.'), { maxLength: 9 }),
      (pieces, letters) => {
        const glob = pieces.join('')
        const text = letters.join('')
        return matchesGlob(glob, text) === slow(glob).test(text)
      },
    ),
    { numRuns: 5000 },
  )
  t.equal(matchesGlob('*a'.repeat(200), `${'a'.repeat(20_000)}b`), false, 'no pattern keeps them busy')
})

t.test('a rule that denies reads a star wider, and never narrower, than one that allows', async (t) => {
  t.equal(globForRule('allow', 'acme/*'), 'acme/*')
  t.ok(matchesGlob(globForRule('deny', 'acme/*'), 'acme/app/sub'))
  t.notOk(matchesGlob(globForRule('deny', 'acme/*'), 'other/app'))
  const glob = fc.string({ unit: fc.constantFrom('*', 'a', '/') })
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '/') })
  fc.assert(
    fc.property(
      glob,
      text,
      (glob, text) => !matchesGlob(glob, text) || matchesGlob(globForRule('deny', glob), text),
    ),
    { numRuns: 3000 },
  )
})

t.test('a domain has one spelling', async (t) => {
  for (const [text, normal] of [
    ['example.com', 'example.com'],
    ['Example.COM', 'example.com'],
    ['example.com.', 'example.com'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['BÜCHER.Example.', 'xn--bcher-kva.example'],
    ['xn--bcher-kva.example.', 'xn--bcher-kva.example'],
    ['\u212aelvin.example', 'kelvin.example'],
    ['日本。example', 'xn--wgv71a.example'],
    ['example.com..', undefined],
    ['.example.com', undefined],
    ['a..b', undefined],
    ['', undefined],
    ['.', undefined],
    ['a/b', undefined],
    ['a b', undefined],
    ['a%2eb', undefined],
    ['*.example.com', undefined],
  ] as const)
    t.equal(normalDomain(text), normal, text)
  for (const [pattern, normal] of [
    ['*.Example.com', '*.example.com'],
    ['*.bücher.example', '*.xn--bcher-kva.example'],
    ['bücher.', 'xn--bcher-kva.'],
  ] as const)
    t.equal(normalDomainPattern(pattern), normal, pattern)
})

t.test('the domain of an address is behind the last @, and a URI has none', async (t) => {
  for (const [address, domain] of [
    ['m@evil.example', 'evil.example'],
    ['m@evil.example.', 'evil.example'],
    ['m@EVIL.example', 'evil.example'],
    ['a/b@evil.example', 'evil.example'],
    ['"a@b"@evil.example', 'evil.example'],
    ['"a: b"@evil.example', 'evil.example'],
    ['m@sub.evil.example', 'sub.evil.example'],
    ['@evil.example', undefined],
    ['evil.example', undefined],
    ['https://example.com/ci.yml@evil.example', undefined],
    ['https://u@evil.example', undefined],
    ['spiffe://x@evil.example', undefined],
    ['a b@evil.example', undefined],
    ['m@evil.example/x', undefined],
  ] as const)
    t.equal(domainOfEmail(address), domain, address)
})

t.test('an address has one spelling, and what is no address none', async (t) => {
  for (const [name, normal] of [
    ['Dev@example.org', 'dev@example.org'],
    ['dEv@EXAMPLE.org.', 'dev@example.org'],
    ['"Dev"@example.org', 'dev@example.org'],
    ['"d\\ev"@example.org', 'dev@example.org'],
    ['"a@b"@example.org', 'a@b@example.org'],
    ['u\u0308@bücher.example', 'ü@xn--bcher-kva.example'],
    ['https://example.org/CI.yml@main', undefined],
    ['Dev', undefined],
  ] as const)
    t.equal(normalEmail(name), normal, name)
  t.equal(nameForDenial('https://github.com/ACME/**'), 'https://github.com/acme/**')
  t.equal(nameForDenial('Dev@*.Example.org'), 'dev@*.example.org')
})

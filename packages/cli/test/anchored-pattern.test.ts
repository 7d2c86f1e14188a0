/** Which patterns must cover the whole of a value. */
import t from 'tap'
import { isAnchored } from '../src/anchored-pattern.ts'
import { parseIdentityPolicy } from '../src/identity-options.ts'

t.test('a pattern is anchored where each of its alternatives is, on both ends', async (t) => {
  const anchored = [
    '^a$',
    '^$',
    '^a$|^b$',
    '^(?:a|b)$',
    '^(a|b)$',
    '(?:^a|^b)$',
    '(^a$)',
    '(?P<name>^a$)|(?<other>^b$)',
    String.raw`\Aa\z`,
    '(?i)^a$',
    '(?i:^a$)',
    String.raw`(?m)\Aa\z`,
    '(?m:(?-m:^a$))',
    '^[|]$',
    '^[]|]$',
    '^[^]|]$',
    '^[[:alpha:]|]$',
    String.raw`^[\]|]$`,
    String.raw`^\|$`,
    String.raw`^a\\$`,
    String.raw`^\Qa|b\E$`,
    '^a{2}$',
  ]
  for (const pattern of anchored) t.ok(isAnchored(pattern), pattern)
  const open = [
    '',
    'a',
    '^a',
    'a$',
    '^evil|example.org$',
    '^a$|b',
    '^(?:a$|b)',
    '(?:^a|b)$',
    '(?m)^a$',
    '(?m:^a$)',
    '(?im)^a$',
    '(?i)(?m)^a$',
    String.raw`^a\$`,
    String.raw`\^a$`,
    String.raw`^a\\\$`,
    String.raw`^\Qa$`,
    '^a[$]',
    '^*a$',
    '(^a)?b$',
    '^a(b$)*',
    '^a$?',
    '^{0}a$',
  ]
  for (const pattern of open) t.notOk(isAnchored(pattern), pattern)
})

t.test('patterns that are not anchored are warned of, and those that are none refused', async (t) => {
  const warnings = async (pattern: string) => {
    const options = { certificateIdentityRegexp: pattern, certificateOidcIssuer: 'https://a.example' }
    return (await parseIdentityPolicy(options)).warnings
  }
  t.same(await warnings('^evil|example.org$'), [
    'the pattern "^evil|example.org$" matches anywhere in the value; anchor it as ^(?:…)$',
  ])
  t.same(await warnings('^(?:evil|example.org)$'), [])
  const wrong = { certificateIdentity: 'a', certificateOidcIssuer: 'b', certificateOidcIssuerRegexp: '(' }
  await t.rejects(parseIdentityPolicy(wrong), {
    code: 'bad_usage',
    message: /^--certificate-oidc-issuer-regexp: /,
  })
})

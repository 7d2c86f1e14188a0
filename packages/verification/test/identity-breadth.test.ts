/** Whom a pattern accepts beside the one who signed. */
import t from 'tap'
import { identityCondition } from '../src/identity-condition.ts'
import { breadthOf, breadthOfConditions, type ClaimCondition } from '../src/index.ts'

const issuer = 'https://token.actions.githubusercontent.com'
const workflow = 'https://github.com/org/app/.github/workflows/release.yml@refs/tags/v1'
const exactly = identityCondition({ value: issuer })

function breadth(subject: string, condition: { value?: string; pattern?: string }) {
  return breadthOf({ subject: identityCondition(condition), issuer: exactly }, { subject, issuer })
}

t.test('a pattern is told by the furthest whom it accepts', async (t) => {
  const start = '^https://github\\.com/'
  const cases: readonly [pattern: string, whom: RegExp][] = [
    ['.*', /also accepts anybody; this signer alone is "https:\/\/github\.com\/org\/app\/.*v1"$/],
    ['/org/app/', /workflows on any host/],
    [`${start}.*`, /the workflows of any owner/],
    [`${start}org/.*`, /any repository of its owner;/],
    [`${start}org/app.*`, /any repository of its owner whose name begins alike/],
    [`${start}org/app/.*`, /any workflow of its repository/],
    [`${start}org/app/\\.github/workflows/release\\.yml@.*`, /on any branch/],
    [`${start}org/app/\\.github/workflows/release\\.yml@refs/tags/.*`, /on any tag/],
    [`${start}org/app/\\.github/workflows/release\\.yml@refs/tags/v1`, /names that only begin like/],
    ['https://github\\.com/org/app/\\.github/workflows/release\\.yml@refs/tags/v1$', /only end like/],
  ]
  for (const [pattern, whom] of cases) {
    const [told, ...more] = breadth(workflow, { pattern })
    t.match(told, whom, pattern)
    t.same(more, [])
  }
  t.match(breadth('a@example.org', { pattern: '@example\\.org$' })[0], /any address of its domain/)
  t.match(breadth('a@example.org', { pattern: '^a@' })[0], /that name in any domain/)
  t.match(
    breadth('spiffe://td.example/job', { pattern: '^spiffe://td\\.example/' })[0],
    /any name of its host/,
  )
})

t.test('a condition for one alone is not told of', async (t) => {
  t.same(breadth(workflow, { value: workflow }), [])
  t.same(breadth(workflow, { value: workflow, pattern: '.*' }), [])
  const whole = '^https://github\\.com/org/app/\\.github/workflows/release\\.yml@refs/tags/v1$'
  t.same(breadth(workflow, { pattern: whole }), [])
  t.same(breadth('a@example.org', { pattern: '^a@example\\.org$' }), [])
  t.same(breadth('odd', { pattern: '^odd$' }), [])
})

t.test('issuers are told of in the same way', async (t) => {
  const of = (pattern: string) =>
    breadthOf(
      { subject: identityCondition({ value: workflow }), issuer: identityCondition({ pattern }) },
      { subject: workflow, issuer },
    )
  t.match(of('.*'), [/OIDC issuer also accepts any issuer; this one alone is "https:\/\/token\./])
  t.match(of('^https://token\\.actions\\.githubusercontent\\.com'), [/only begins like/])
  t.match(of('https://token\\.actions\\.githubusercontent\\.com$'), [/only ends like/])
  t.same(of('^https://token\\.actions\\.githubusercontent\\.com$'), [])
})

t.test('what conditions for the job hold is not told of', async (t) => {
  const place = { name: 'source repository', number: 12, value: 'https://github.com/org/app' } as const
  const ref = (glob: string) => ({ name: 'ref', number: 14, glob }) as const
  const of = (pattern: string | undefined, ...claims: readonly ClaimCondition[]) => {
    const subject = pattern === undefined ? {} : { subject: identityCondition({ pattern }) }
    return breadthOf({ ...subject, issuer: exactly, claims }, { subject: workflow, issuer })
  }
  t.match(of('.*', place), [/any workflow of its repository/])
  t.match(of('.*release\\.yml@.*', place), [/the workflow on any branch/])
  t.match(of('.*release\\.yml@.*', place, ref('refs/tags/*')), [/the workflow on any tag/])
  t.match(of('.*', ref('refs/tags/v1')), [/also accepts anybody/])
  t.match(of(undefined, place), [/also accept any branch and any tag; this signer alone is "https:/])
  t.match(of(undefined, place, ref('**')), [/any branch and any tag/])
  t.same(of(undefined, place, ref('refs/tags/*')), [])
  t.same(of(undefined, { name: 'build signer', number: 9, value: workflow }), [])
})

t.test(
  'before anybody signed, a pattern is told by the furthest whom it accepts beside those it names',
  async (t) => {
    const of = (pattern: string) =>
      breadthOfConditions({ subject: identityCondition({ pattern: `^(?:${pattern})$` }), issuer: exactly })
    const start = 'https://github\\.com/'
    const job = `${start}org/app/\\.github/workflows/release\\.yml@`
    const cases: readonly [pattern: string, whom: RegExp][] = [
      ['.*', /also accepts anybody$/],
      ['.*/org/.*', /workflows on any host$/],
      [`${start}.*`, /the workflows of any owner$/],
      [
        `${start}org/.*`,
        /accepts "https:\/\/github\.com\/org\/.*", it also accepts any repository of its owner$/,
      ],
      ['https://github.com/org/.*', /accepts "https:\/\/github\.com\/org\/.*any repository of its owner$/],
      [
        `${start}org/(?:app|lib)-[^/]*/.*`,
        /app-someone.*any repository of its owner whose name begins alike$/,
      ],
      ['\\Qhttps://github.com/org/\\E\\S+', /any repository of its owner$/],
      [`${start}org/app/[^@]{1,100}@.*`, /any workflow of its repository$/],
      [`${job}.*`, /the workflow on any branch$/],
      [`${job}refs/(?P<kind>tags)/.*`, /the workflow on any tag$/],
      [`${job}refs/tags/v.*`, /names that only begin like this one$/],
      [`(?i:a@example\\.org)|${start}org/.*`, /any repository of its owner$/],
      ['.+@example\\.org', /"someone@example\.org", it also accepts any address of its domain$/],
      ['spiffe://td\\.example/[[:word:]-]+', /any name of its host$/],
    ]
    for (const [pattern, whom] of cases) t.match(of(pattern)[0], whom, pattern)
    for (const pattern of [
      `${job}refs/tags/v[0-9.]+`,
      `${job}refs/heads/(main|release)`,
      'a@example\\.org',
      'a?b*c{2}\\pL\\x41\\z',
      `(${'(a|b)'.repeat(60)}|.*x){3}`,
    ])
      t.same(of(pattern), [], pattern)
  },
)

t.test('conditions for the job hold what a pattern leaves open before anybody signed, too', async (t) => {
  const place = { name: 'source repository', number: 12, value: 'https://github.com/org/app' } as const
  const ref = (glob: string) => ({ name: 'ref', number: 14, glob }) as const
  const of = (pattern: string | undefined, ...claims: readonly ClaimCondition[]) => {
    const subject = pattern === undefined ? {} : { subject: identityCondition({ pattern }) }
    return breadthOfConditions({ ...subject, issuer: exactly, claims })
  }
  t.match(of('^https://github\\.com/org/.*$', place), [/any workflow of its repository$/])
  t.match(of(undefined, place), [/the conditions for the job accept any branch and any tag$/])
  t.same(of(undefined, place, ref('refs/tags/*')), [])
  t.same(breadthOfConditions({ subject: identityCondition({ value: workflow }), issuer: exactly }), [])
})

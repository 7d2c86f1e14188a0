import { readFileSync } from 'node:fs'
import t from 'tap'
import type { Claims } from '../src/identity/claims.ts'
import { identityOf } from '../src/identity/identity-of.ts'
import { parseIssuerConfig } from '../src/identity/issuer-config.ts'
import { joinUriName, parseUriName } from '../src/identity/uri-name.ts'
import {
  buddyClaims,
  buildkiteClaims,
  circleClaims,
  codefreshClaims,
  gitHubClaims,
  gitLabClaims,
} from './support/tokens.ts'

const vectors = JSON.parse(
  readFileSync(new URL('vectors/go-urls.json', import.meta.url), 'utf8'),
) as Readonly<Record<'parsed' | 'joined', Readonly<Record<string, string>>>>

t.test('URIs come out as Go prints them and not as browsers do', async (t) => {
  for (const [given, expected] of Object.entries(vectors.parsed))
    t.equal(parseUriName(given, 'x').text, expected, given)
  for (const [given, expected] of Object.entries(vectors.joined))
    t.equal(joinUriName(given, 'x').text, expected, given)
})

t.test('what cannot be written as a URI that everybody reads alike is refused', async (t) => {
  for (const given of [
    '',
    'plain',
    '/path',
    '1x://y',
    'urn:',
    'urn:ü',
    'https://ex ample.com/',
    'https://exämple.com/',
    'https://x.org:8a/',
    'https://x.org/%zz',
    'https://x.org/#%zz',
    'https://x.org/a%',
    'https://x.org/?ü',
    'https://x.org/?a b',
    // Control characters, also those that somebody decodes later.
    'https://x.org/\n',
    'https://x.org/#\u007f',
    'https://x.org/%00',
    'https://x.org/a%0D%0Ab',
    'https://x.org/?%1b[2J',
    'https://x.org/#%c2%9b',
    'https://x.org/\u0085',
    // Dot segments, plain and escaped, behind slashes of either kind.
    'https://x.org/a/../b',
    'https://x.org/a/./b',
    'https://x.org/..',
    'https://x.org/a/%2e%2e/b',
    'https://x.org/a/.%2E',
    'https://x.org/a%2F..%2Fb',
    'https://x.org/a\\..\\b',
    'https://x.org/a/..?q',
    'https://x.org/a/..#f',
    'file:/a/../b',
  ])
    t.throws(() => parseUriName(given, 'x'), { code: 'san_unencodable' }, given)
  for (const given of [
    'https://x.org/a/../b',
    'https://x.org/a%2f%2e%2e',
    'https://x.org/%0a',
    'https://x.org/%zz',
    'urn:a',
  ])
    t.throws(() => joinUriName(given, 'x'), { code: 'san_unencodable' }, given)
  t.throws(() => parseUriName(`https://x.org/${'%0a'.repeat(10_000)}`, 'x'), {
    message: /^.{1,400}$/,
  })
})

const iss = 'https://ci.example.com'

const nameOf = (fields: Record<string, unknown>, claims: Record<string, unknown>): string => {
  const [entry] = parseIssuerConfig({
    'oidc-issuers': { [iss]: { 'client-id': 'sigstore', ...fields } },
  }).issuers
  return identityOf(entry!, { iss, ...claims } as Claims).subjectAlternativeName.value
}

/** Each type with a URI made of claims: where a name of somebody's choice goes in, and how Fulcio makes a URL of it. */
const types: readonly (readonly [
  type: string,
  claims: Record<string, unknown>,
  claim: string,
  before: string,
  after: string,
  form: 'parsed' | 'joined',
])[] = [
  ['ci:github-workflow', gitHubClaims, 'job_workflow_ref', 'https://github.com/', '', 'parsed'],
  ['ci:gitlab-pipeline', gitLabClaims, 'ci_config_ref_uri', 'https://', '', 'parsed'],
  ['ci:buildkite-job', buildkiteClaims, 'pipeline_slug', 'https://buildkite.com/acme/', '', 'parsed'],
  [
    'ci:codefresh-workflow',
    codefreshClaims,
    'pipeline_name',
    'https://g.codefresh.io/acme/',
    ':a1/p1',
    'parsed',
  ],
  [
    'ci:circleci-job',
    circleClaims,
    'oidc.circleci.com/pipeline-definition-id',
    'https://circleci.com/api/v2/projects/p1/pipeline-definitions/',
    '',
    'parsed',
  ],
  [
    'ci:buddy-pipeline',
    buddyClaims,
    'project_name',
    'https://app.buddy.works/acme/',
    '/pipelines/pipeline/5',
    'parsed',
  ],
  [
    'ci:forgejo-workflow',
    { ...gitHubClaims, run_number: 1 },
    'workflow_ref',
    'https://codeberg.org/',
    '',
    'parsed',
  ],
  ['github-workflow', gitHubClaims, 'job_workflow_ref', 'https://github.com/', '', 'joined'],
  ['gitlab-pipeline', gitLabClaims, 'ci_config_ref_uri', 'https://', '', 'parsed'],
  ['buildkite-job', buildkiteClaims, 'pipeline_slug', 'https://buildkite.com/acme/', '', 'parsed'],
  [
    'codefresh-workflow',
    codefreshClaims,
    'pipeline_name',
    'https://g.codefresh.io/acme/',
    ':a1/p1',
    'joined',
  ],
]

t.test('every type of CI issuer writes branches and names of any characters as Fulcio does', async (t) => {
  for (const [type, claims, claim, before, after, form] of types) {
    const provider = type.startsWith('ci:') ? type.slice(3) : undefined
    const fields = provider === undefined ? { type } : { type: 'ci-provider', 'ci-provider': provider }
    const host = claim === 'ci_config_ref_uri' ? 'gitlab.com/' : ''
    const made = (name: string) => nameOf(fields, { ...claims, [claim]: `${host}${name}` })
    for (const [name, expected] of form === 'parsed'
      ? [
          ['f/#42-größe', `f/#42-gr%C3%B6%C3%9Fe${after}`],
          ['f/#1#2', `f/#1%232${after}`],
          ['f/#1"q"', `f/#1%22q%22${after}`],
          ['f/#1_{x}|y', `f/#1_%7Bx%7D%7Cy${after}`],
          ['f/1_{x}|y', `f/1_%7Bx%7D%7Cy${after}`],
          ['f/a?b', `f/a?b${after}`],
          ['f/a%20b', `f/a%20b${after}`],
          ['f/a b', `f/a%20b${after}`],
        ]
      : [
          ['f/#42-größe', `f/%2342-gr%C3%B6%C3%9Fe${after}`],
          ['f/#1#2', `f/%231%232${after}`],
          ['f/a?b', `f/a%3Fb${after}`],
          ['f/a%20b', `f/a%20b${after}`],
          ['f/a b', `f/a%20b${after}`],
        ])
      t.equal(made(name!), `${before}${host}${expected}`, `${type}: ${name}`)
    for (const name of ['f/../x', 'f/%2e%2e/x', 'f/a%0ab', 'f/a\u001bb'])
      t.throws(() => made(name), { name: 'IssuanceError' }, `${type}: ${JSON.stringify(name)}`)
  }
})

t.test('the older types write their other URIs as Fulcio does too', async (t) => {
  const [entry] = parseIssuerConfig({
    'oidc-issuers': { [iss]: { 'client-id': 'sigstore', type: 'github-workflow' } },
  }).issuers
  const { claims } = identityOf(entry!, {
    ...gitHubClaims,
    iss,
    job_workflow_ref: 'acme/app/w.yml@refs/heads/a#b',
    workflow_ref: 'acme/app/ä.yml@refs/heads/a#b',
  })
  t.match(claims, {
    buildSignerUri: 'https://github.com/acme/app/w.yml@refs/heads/a%23b',
    buildConfigUri: 'https://github.com/acme/app/%C3%A4.yml@refs/heads/a%23b',
    sourceRepositoryUri: 'https://github.com/acme/app',
  })
})

/** tap's types know the members of Error only. */
const wanted: object = { name: 'IssuanceError', refusal: 'subject_refused' }
const subjectRefused = wanted as Error

t.test('control characters stand in no name, URI or ref of a certificate', async (t) => {
  const github = { type: 'ci-provider', 'ci-provider': 'github-workflow' }
  for (const character of ['\n', '\u0000', '\u001b', '\u007f', '\u0085', '\u009b']) {
    for (const claim of ['ref', 'environment', 'sub', 'repository'])
      t.throws(
        () => nameOf(github, { ...gitHubClaims, [claim]: `a${character}b` }),
        { name: 'IssuanceError' },
        claim,
      )
    t.throws(
      () => nameOf({ type: 'username', 'subject-domain': 'ci.example.com' }, { sub: `a${character}b` }),
      subjectRefused,
    )
    t.throws(() => nameOf({ type: 'chainguard-identity' }, { sub: `a${character}b` }), {
      name: 'IssuanceError',
    })
    t.throws(
      () =>
        nameOf(
          { type: 'spiffe', 'spiffe-trust-domain': 'example.com' },
          { sub: `spiffe://example.com/a${character}b` },
        ),
      subjectRefused,
    )
    t.throws(
      () =>
        nameOf(
          { type: 'uri', 'subject-domain': 'https://ci.example.com' },
          { sub: `https://ci.example.com/a${character}` },
        ),
      { name: 'IssuanceError' },
    )
  }
  for (const hidden of ['\u202e', '\u200b', '\u2028', '\ufeff', '\ud800'])
    t.throws(
      () => nameOf({ type: 'username', 'subject-domain': 'ci.example.com' }, { sub: `a${hidden}b` }),
      subjectRefused,
      'what nobody sees is in no username',
    )
  t.equal(
    nameOf({ type: 'username', 'subject-domain': 'ci.example.com' }, { sub: 'zoë' }),
    'zoë!ci.example.com',
  )
})

t.test('a subject that is of the right host and cannot be written is refused with that reason', async (t) => {
  const uri = { type: 'uri', 'subject-domain': 'https://ci.example.com' }
  t.throws(() => nameOf(uri, { sub: 'https://ci.example.com/a/%2e%2e/b' }), {
    message:
      /^sub is "https:.*" but must be a URI of .* cannot be written as a URI: its path holds dot segments$/,
  })
})

t.test('a path below an issuer of Chainguard cannot become another one', async (t) => {
  for (const sub of ['a/%2e%2e/b', 'a/.%2E/b', '%2e', 'a%2fb', 'a\\..\\b', 'a%3fb', '%'])
    t.throws(() => nameOf({ type: 'chainguard-identity' }, { sub }), subjectRefused, sub)
})

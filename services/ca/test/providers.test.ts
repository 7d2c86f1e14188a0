import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fulcioExtensions } from '@sigstack/x509'
import t from 'tap'
import { parse as parseYaml } from 'yaml'
import { parseIssuerConfigText } from '../src/config.ts'
import type { Claims } from '../src/identity/claims.ts'
import { createFindIssuer } from '../src/identity/find-issuer.ts'
import { identityOf } from '../src/identity/identity-of.ts'
import { parseIssuerConfig } from '../src/identity/issuer-config.ts'
import { certificatesOf, createClientKey, postV2, startHarness, v2Body } from './support/harness.ts'
import { createIssuer, signToken } from './support/oidc.ts'
import {
  buddyClaims,
  buildkiteClaims,
  circleClaims,
  codefreshClaims,
  gitHubClaims,
  gitLabClaims,
} from './support/tokens.ts'

/** What an IssuanceError must look like; tap's types know the members of Error only. */
function refused(refusal: string): RegExp | Error {
  const wanted: object = { name: 'IssuanceError', refusal }
  return wanted as Error
}

const publicConfigurationText = readFileSync(
  new URL('vectors/public-configuration.yaml', import.meta.url),
  'utf8',
)
const publicConfiguration = parseIssuerConfigText(publicConfigurationText)

/** A key of the YAML form as the JSON form writes it: `issuer-url` is `IssuerURL`. */
function inJsonSpelling(name: string): string {
  const words: Readonly<Record<string, string>> = {
    oidc: 'OIDC',
    url: 'URL',
    id: 'ID',
    ci: 'CI',
    ca: 'CA',
    sha: 'SHA',
    uri: 'URI',
    spiffe: 'SPIFFE',
  }
  return name
    .split('-')
    .map((word) => words[word] ?? word.charAt(0).toUpperCase() + word.slice(1))
    .join('')
}

t.test('the public configuration means the same in the JSON form', async (t) => {
  type Fields = Readonly<Record<string, unknown>>
  const renamed = (fields: Fields, valueOf: (value: unknown, name: string) => unknown): Fields =>
    Object.fromEntries(
      Object.entries(fields).map(([name, value]) => [inJsonSpelling(name), valueOf(value, name)]),
    )
  const eachOf = (value: unknown, change: (fields: Fields) => Fields): Fields =>
    Object.fromEntries(Object.entries(value as Fields).map(([key, each]) => [key, change(each as Fields)]))
  const json = renamed(parseYaml(publicConfigurationText, { merge: true }) as Fields, (section, name) =>
    Array.isArray(section)
      ? section
      : eachOf(section, (fields) =>
          renamed(fields, (value, member) =>
            name === 'ci-issuer-metadata' && member === 'extension-templates'
              ? renamed(value as Fields, (template) => template)
              : value,
          ),
        ),
  )
  t.ok('OIDCIssuers' in json && 'MetaIssuers' in json && 'CIIssuerMetadata' in json)
  t.match(JSON.stringify(json), '"GithubWorkflowSHA"')
  t.same(parseIssuerConfigText(JSON.stringify(json)), publicConfiguration)
})

t.test(
  'section 11: the public configuration in Fulcio’s format loads and yields the tables of 2.5',
  async (t) => {
    const find = createFindIssuer(publicConfiguration.issuers)
    const builtIn = (provider: string, iss: string): ReturnType<typeof find> =>
      parseIssuerConfig({
        'oidc-issuers': { [iss]: { 'client-id': 'sigstore', type: 'ci-provider', 'ci-provider': provider } },
      }).issuers[0]
    for (const [iss, provider, claims] of [
      ['https://token.actions.githubusercontent.com', 'github-workflow', gitHubClaims],
      ['https://token.actions.githubusercontent.com/acme', 'github-workflow', gitHubClaims],
      ['https://gitlab.com', 'gitlab-pipeline', gitLabClaims],
      ['https://gitlab.com', 'gitlab-pipeline', { ...gitLabClaims, ref_type: 'tag' }],
      ['https://gitlab.archlinux.org', 'gitlab-pipeline', { ...gitLabClaims, environment: 'live' }],
      ['https://agent.buildkite.com', 'buildkite-job', buildkiteClaims],
      ['https://oidc.codefresh.io', 'codefresh-workflow', codefreshClaims],
      ['https://oidc.circleci.com/org/1-a', 'circleci-job', circleClaims],
      ['https://api.buddy.works', 'buddy-pipeline', buddyClaims],
    ] as [string, string, Claims][]) {
      const entry = find(iss)!
      const made = identityOf(entry, { iss, ...claims })
      // The tables themselves are compared value by value in acceptance-identity.test.ts, against the built-in providers.
      t.same(made, identityOf(builtIn(provider, iss)!, { iss, ...claims }), iss)
      t.ok(fulcioExtensions(made.claims).length >= 3, iss)
    }
    t.equal(publicConfiguration.issuers.length, 18)
    t.match(
      identityOf(find('https://oauth2.sigstore.dev/auth')!, {
        iss: 'https://oauth2.sigstore.dev/auth',
        sub: 'CgYxMjM0',
        email: 'alice@example.com',
        email_verified: true,
        federated_claims: { connector_id: 'https://accounts.google.com' },
      }).claims,
      { issuer: 'https://accounts.google.com', subject: 'CgYxMjM0' },
    )
    for (const managed of [
      'https://abc.oic.prod-aks.azure.com/tenant-1',
      'https://oidc.prod-aks.azure.com/abc',
      'https://oidc.eks.eu-1.amazonaws.com/id/A0',
    ])
      t.equal(find(managed)?.kind.type, 'kubernetes', managed)
    for (const stranger of [
      'https://evil.example/?https://oidc.eks.eu.amazonaws.com/id/A0',
      'https://oidc.eks.eu.evil.example/.amazonaws.com/id/A0',
      'https://token.actions.githubusercontent.com/a/b',
      'https://token.actions.githubusercontent.com/',
    ])
      t.equal(find(stranger), undefined, stranger)
  },
)

const dedicated = (type: string, claims: Record<string, unknown>, iss = 'https://ci.example.com') =>
  identityOf(
    parseIssuerConfig({ 'oidc-issuers': { [iss]: { 'client-id': 'sigstore', type } } }).issuers[0]!,
    { iss, ...claims } as Claims,
  )

t.test('the older type github-workflow: all claims needed, host fixed, never F.23', async (t) => {
  const made = dedicated('github-workflow', {
    ...gitHubClaims,
    url: 'https://evil.example',
    environment: 'live',
  })
  const { environment: _, ...plain } = { ...gitHubClaims, environment: '' }
  const preset = identityOf(
    parseIssuerConfig({
      'oidc-issuers': {
        'https://ci.example.com': {
          'client-id': 'sigstore',
          type: 'ci-provider',
          'ci-provider': 'github-workflow',
        },
      },
    }).issuers[0]!,
    { iss: 'https://ci.example.com', ...plain },
  )
  t.same(made, preset, 'as the provider of today, whatever the token says about url and environment')
  for (const name of Object.keys(gitHubClaims).filter((claim) => claim !== 'sub')) {
    const { [name as 'sha']: _gone, ...without } = gitHubClaims
    t.throws(() => dedicated('github-workflow', without), refused('claim_missing'), name)
    t.throws(
      () => dedicated('github-workflow', { ...gitHubClaims, [name]: '' }),
      refused('claim_malformed'),
      name,
    )
  }
})

t.test('the older type gitlab-pipeline: a runner by number, branch or tag only', async (t) => {
  const { ci_config_sha: _sha, project_visibility: _visibility, ...least } = gitLabClaims
  const made = dedicated('gitlab-pipeline', { ...least, url: 'https://evil.example', environment: 'live' })
  t.equal(made.subjectAlternativeName.value, 'https://gitlab.com/acme/app//.gitlab-ci.yml@refs/heads/main')
  t.match(made.claims, {
    sourceRepositoryUri: 'https://gitlab.com/acme/app',
    sourceRepositoryRef: 'refs/heads/main',
    buildTrigger: 'push',
    runInvocationUri: 'https://gitlab.com/acme/app/-/jobs/7',
  })
  for (const absent of ['deploymentEnvironment', 'buildSignerDigest', 'sourceRepositoryVisibilityAtSigning'])
    t.notOk(absent in made.claims, absent)
  t.equal(dedicated('gitlab-pipeline', gitLabClaims).claims.buildConfigDigest, 'aaaa')
  for (const [claims, refusal] of [
    [{ ref_type: 'merge_request' }, 'claim_malformed'],
    [{ runner_id: 0 }, 'claim_malformed'],
    [{ runner_id: '12' }, 'claim_malformed'],
    [{ project_id: 12 }, 'claim_malformed'],
    [{ pipeline_id: '' }, 'claim_malformed'],
  ] as const)
    t.throws(() => dedicated('gitlab-pipeline', { ...gitLabClaims, ...claims }), refused(refusal))
  const { runner_id: _runner, ...without } = gitLabClaims
  t.throws(() => dedicated('gitlab-pipeline', without), refused('claim_missing'))
})

t.test('the older types buildkite-job and codefresh-workflow', async (t) => {
  t.same(dedicated('buildkite-job', { ...buildkiteClaims, url: 'https://evil.example' }), {
    subjectAlternativeName: { type: 'uri', value: 'https://buildkite.com/acme/app' },
    claims: { issuer: 'https://ci.example.com', subject: buildkiteClaims.sub },
    proofSubjects: [buildkiteClaims.sub],
  })
  t.throws(
    () => dedicated('buildkite-job', { ...buildkiteClaims, pipeline_slug: '' }),
    refused('claim_malformed'),
  )
  const codefresh = dedicated('codefresh-workflow', {
    ...codefreshClaims,
    platform_url: 'https://cf.example.com',
  })
  t.equal(codefresh.subjectAlternativeName.value, 'https://cf.example.com/acme/app/release:a1/p1')
  t.match(codefresh.claims, {
    buildSignerUri: 'https://cf.example.com/build/w1',
    runInvocationUri: 'https://cf.example.com/build/w1',
    sourceRepositoryUri: 'https://github.com/acme/app',
    sourceRepositoryRef: 'main',
    runnerEnvironment: 'codefresh-cloud',
  })
  t.match(dedicated('codefresh-workflow', { ...codefreshClaims, platform_url: '' }), {
    subjectAlternativeName: { value: 'https://g.codefresh.io/acme/app/release:a1/p1' },
  })
  const { workflow_id: _, ...without } = codefreshClaims
  t.throws(() => dedicated('codefresh-workflow', without), refused('claim_missing'))
})

t.test(
  'chainguard-identity: issuer and subject as path; the proof covers a verified email, else sub',
  async (t) => {
    const iss = 'https://issuer.enforce.dev'
    const made = (claims: Record<string, unknown>) => dedicated('chainguard-identity', claims, iss)
    t.same(made({ sub: 'abc/def0' }), {
      subjectAlternativeName: { type: 'uri', value: `${iss}/abc/def0` },
      claims: { issuer: iss, subject: 'abc/def0' },
      proofSubjects: ['abc/def0'],
    })
    t.same(made({ sub: 'abc', email: 'a@example.com', email_verified: true }).proofSubjects, [
      'a@example.com',
    ])
    t.throws(() => made({ sub: 'abc', email: 'a@example.com' }), refused('email_not_verified'))
    for (const sub of ['../other', 'a/../b', './a', '/a', 'a//b', 'a?b', 'a#b'])
      t.throws(() => made({ sub }), refused('subject_refused'), sub)
  },
)

t.test(
  'a type that nobody knows loads where it has a challenge claim, is published, and refuses every token',
  async (t) => {
    const issuers = parseIssuerConfig({
      'oidc-issuers': {
        'https://ci.example.com': { 'client-id': 'sigstore', type: 'future', 'challenge-claim': 'sub' },
      },
    }).issuers
    const issuer = await createIssuer('https://ci.example.com', 'ES256')
    const harness = await startHarness({ issuers: [issuer], issuerEntries: issuers })
    const key = createClientKey()
    const answer = await postV2(harness, v2Body(await signToken(issuer), key, key.prove('subject-1')))
    t.equal(answer.statusCode, 400)
    t.match(answer.json(), { code: 3, message: /of a type that this CA does not know/ })
    const configuration = await harness.app.inject('/api/v2/configuration')
    t.match(configuration.json(), { issuers: [{ issuerType: 'future', challengeClaim: 'sub' }] })
    await harness.stop()
  },
)

t.test('Google’s issuer without scheme is the one with it, in the certificate too', async (t) => {
  const url = 'https://accounts.google.com'
  const issuer = await createIssuer(url, 'ES256')
  const issuers = parseIssuerConfig({
    'oidc-issuers': { [url]: { 'client-id': 'sigstore', type: 'email' } },
  }).issuers
  const harness = await startHarness({ issuers: [issuer], issuerEntries: issuers })
  const key = createClientKey()
  const claims = { iss: 'accounts.google.com', email: 'a@example.com', email_verified: true, sub: '1' }
  const answer = await postV2(
    harness,
    v2Body(await signToken(issuer, claims), key, key.prove('a@example.com')),
  )
  t.equal(answer.statusCode, 200, answer.body.slice(0, 200))
  const leaf = Buffer.from(new X509Certificate(certificatesOf(answer)[0]!).raw)
  t.equal(leaf.toString('latin1').split(url).length - 1, 2, 'F.1 and F.8')
  for (const iss of ['accounts.google.com/', 'http://accounts.google.com', 'gitlab.com'])
    t.equal(
      (await postV2(harness, v2Body(await signToken(issuer, { ...claims, iss }), key, key.prove('1'))))
        .statusCode,
      400,
      iss,
    )
  await harness.stop()
})

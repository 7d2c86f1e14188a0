/** The acceptance list of the contract (fulcio.md section 11): the boxes about tokens and what certificates say about them. */
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { der, derTag, toHex, utf8 } from '@sigstack/crypto'
import { type Certificate, extensionValue, parseCertificate } from '@sigstack/x509'
import t, { type Test } from 'tap'
import {
  certificatesOf,
  createClientKey,
  emailToken,
  type Harness,
  person,
  postV2,
  startHarness,
  v2Body,
} from './support/harness.ts'
import { createIssuer, signToken, unsigned } from './support/oidc.ts'
import {
  buddyClaims,
  buildkiteClaims,
  circleClaims,
  codefreshClaims,
  gitHubClaims,
  gitLabClaims,
} from './support/tokens.ts'

const fulcio = '1.3.6.1.4.1.57264.1.'
const issuerUrl = 'https://ci.example.com'
const issuer = await createIssuer(issuerUrl, 'ES256')

const withIssuer = (fields: Record<string, unknown>, more: Record<string, unknown> = {}): Promise<Harness> =>
  startHarness({
    issuers: [issuer],
    config: { 'oidc-issuers': { [issuerUrl]: { 'client-id': 'sigstore', ...fields } }, ...more },
  })

const post = async (harness: Harness, claims: Record<string, unknown>, proofOver: string) => {
  const key = createClientKey()
  return postV2(harness, v2Body(await signToken(issuer, claims), key, key.prove(proofOver)))
}

type Table = {
  readonly provider: string
  readonly claims: Readonly<Record<string, unknown>> & { readonly sub: string }
  readonly san: string
  /** By the last number of the OID. */
  readonly values: Readonly<Record<number, string>>
}

const gitHubWorkflow = 'https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main'
const gitHub = {
  2: 'push',
  3: 'bbbb',
  4: 'Release it',
  5: 'acme/app',
  6: 'refs/heads/main',
  9: gitHubWorkflow,
  10: 'aaaa',
  11: 'github-hosted',
  12: 'https://github.com/acme/app',
  13: 'bbbb',
  14: 'refs/heads/main',
  15: '1234',
  16: 'https://github.com/acme',
  17: '56',
  18: 'https://github.com/acme/app/.github/workflows/top.yml@refs/heads/main',
  19: 'cccc',
  20: 'push',
  21: 'https://github.com/acme/app/actions/runs/789/attempts/2',
  22: 'public',
}
const gitLabConfig = 'https://gitlab.com/acme/app//.gitlab-ci.yml@refs/heads/main'
const gitLab = {
  9: gitLabConfig,
  10: 'aaaa',
  11: 'gitlab-hosted',
  12: 'https://gitlab.com/acme/app',
  13: 'bbbb',
  14: 'refs/heads/main',
  15: '1234',
  16: 'https://gitlab.com/acme',
  17: '99',
  18: gitLabConfig,
  19: 'aaaa',
  20: 'push',
  21: 'https://gitlab.com/acme/app/-/jobs/7',
  22: 'private',
}
const circleJob = 'https://circleci.com/api/v2/projects/p1/pipeline-definitions/d1'
const circle = {
  9: circleJob,
  // Two quotation marks: a slip in Fulcio's template, which verifiers know by now.
  11: '""',
  12: 'github.com/acme/app',
  14: 'refs/heads/main',
  18: 'https://circleci.com/api/v2/pipeline/q1/config',
  21: 'https://app.circleci.com//workflow/w1/job/j1',
}
const buddyPipeline = 'https://app.buddy.works/acme/app/pipelines/pipeline/5'
const buddy = {
  9: buddyPipeline,
  11: 'cloud',
  12: 'https://app.buddy.works/acme/app',
  16: 'https://app.buddy.works/acme',
  20: 'EVENT',
  21: `${buddyPipeline}/execution/e1`,
}
const codefreshBuild = 'https://g.codefresh.io/build/w1'

const tables: readonly Table[] = [
  { provider: 'github-workflow', claims: gitHubClaims, san: gitHubWorkflow, values: gitHub },
  {
    provider: 'github-workflow',
    claims: { ...gitHubClaims, environment: 'live' },
    san: gitHubWorkflow,
    values: { ...gitHub, 23: 'live' },
  },
  { provider: 'gitlab-pipeline', claims: gitLabClaims, san: gitLabConfig, values: gitLab },
  {
    provider: 'gitlab-pipeline',
    claims: { ...gitLabClaims, ref: 'v1', ref_type: 'tag', project_id: 12_345_678_901, environment: 'live' },
    san: gitLabConfig,
    values: { ...gitLab, 14: 'refs/tags/v1', 15: '12345678901', 23: 'live' },
  },
  {
    provider: 'buildkite-job',
    claims: buildkiteClaims,
    san: 'https://buildkite.com/acme/app',
    values: {
      11: 'self-hosted',
      13: 'cccc',
      20: 'webhook',
      21: 'https://buildkite.com/acme/app/builds/12#j-1',
    },
  },
  {
    provider: 'codefresh-workflow',
    claims: codefreshClaims,
    san: 'https://g.codefresh.io/acme/app/release:a1/p1',
    values: {
      9: codefreshBuild,
      11: 'codefresh-cloud',
      12: 'https://github.com/acme/app',
      14: 'main',
      18: 'https://g.codefresh.io/api/pipelines/p1',
      21: codefreshBuild,
    },
  },
  { provider: 'circleci-job', claims: circleClaims, san: circleJob, values: circle },
  {
    provider: 'circleci-job',
    claims: { ...circleClaims, 'oidc.circleci.com/ssh-rerun': true },
    san: circleJob,
    values: { ...circle, 11: 'ssh-rerun' },
  },
  { provider: 'buddy-pipeline', claims: buddyClaims, san: buddyPipeline, values: buddy },
  {
    provider: 'buddy-pipeline',
    claims: { ...buddyClaims, revision: 'dddd', ref: 'refs/heads/main' },
    san: buddyPipeline,
    values: { ...buddy, 13: 'dddd', 14: 'refs/heads/main' },
  },
]

/** F.1 to F.6 are the bytes of the text, the later ones a UTF8String. */
const encoded = (number: number, text: string): string =>
  toHex(number < 7 ? utf8(text) : der(derTag.utf8String, utf8(text)))

const leafOf = (answer: { json(): unknown }): Certificate =>
  parseCertificate(new X509Certificate(certificatesOf(answer)[0]!).raw)

const fulcioExtensionsOf = ({ extensions }: Certificate): (readonly [string, string])[] =>
  extensions.filter(({ oid }) => oid.startsWith(fulcio)).map(({ oid, value }) => [oid, toHex(value)])

t.test(
  'GitHub, GitLab, Buildkite, Codefresh, CircleCI, Buddy tokens yield the tables of 2.5 exactly',
  async (t) => {
    for (const { provider, claims, san, values } of tables) {
      const harness = await withIssuer({ type: 'ci-provider', 'ci-provider': provider })
      const leaf = leafOf(await post(harness, claims, claims.sub))
      const expected = { 1: issuerUrl, 8: issuerUrl, ...values, 24: claims.sub }
      t.same(
        fulcioExtensionsOf(leaf),
        Object.entries(expected).map(([number, text]) => [fulcio + number, encoded(Number(number), text)]),
        provider,
      )
      const name = extensionValue(leaf, '2.5.29.17')!
      t.equal(toHex(name), toHex(der(derTag.sequence, der(0x86, utf8(san)))), `${provider}: one URI`)
      await harness.stop()
    }
  },
)

t.test('the token behind a published certificate yields its extensions byte for byte', async (t) => {
  const pem = readFileSync(new URL('vectors/published-github-workflow.pem', import.meta.url), 'utf8')
  const published = parseCertificate(new X509Certificate(pem).raw)
  const iss = 'https://token.actions.githubusercontent.com'
  const repository = 'neverendingsupport/nes-java-test-lib-a'
  const ref = 'refs/tags/nes-v1.0.12'
  const sha = 'ca342e56787986cd4e8dfc0c8830696716d3b441'
  const signer = '9f6d9dc1bfc02986955721eb15f89ad618f1cedb'
  const claims = {
    sub: `repo:${repository}:ref:${ref}`,
    event_name: 'push',
    sha,
    workflow: 'Release',
    repository,
    ref,
    job_workflow_ref: `neverendingsupport/slsa-attestations/.github/workflows/attest.yml@${signer}`,
    job_workflow_sha: signer,
    runner_environment: 'github-hosted',
    repository_id: '1296428417',
    repository_owner: 'neverendingsupport',
    repository_owner_id: '113394396',
    repository_visibility: 'private',
    workflow_ref: `${repository}/.github/workflows/nes-release.yml@${ref}`,
    workflow_sha: sha,
    run_id: '30066698975',
    run_attempt: '3',
  }
  const gitHubIssuer = await createIssuer(iss)
  const harness = await startHarness({
    issuers: [gitHubIssuer],
    config: {
      'oidc-issuers': {
        [iss]: { 'client-id': 'sigstore', type: 'ci-provider', 'ci-provider': 'github-workflow' },
      },
    },
  })
  t.teardown(() => harness.stop())
  const key = createClientKey()
  const token = await signToken(gitHubIssuer, claims)
  const leaf = leafOf(await postV2(harness, v2Body(token, key, key.prove(claims.sub))))
  // Key identifiers and the SCT belong to other keys.
  const ofToken = ({ extensions }: Certificate) =>
    extensions
      .filter(({ oid }) => !['2.5.29.14', '2.5.29.35', '1.3.6.1.4.1.11129.2.4.2'].includes(oid))
      .map(({ oid, critical, value }) => [oid, critical, toHex(value)])
  t.equal(ofToken(published).length, 25)
  t.same(ofToken(leaf), ofToken(published))
})

const sentence = 'There was an error processing the identity token'

async function refused(t: Test, answer: Awaited<ReturnType<typeof post>>, refusal: string, name: string) {
  t.equal(answer.statusCode, 400, name)
  t.match(answer.json(), { code: 3, message: new RegExp(`^${sentence}: .* \\(${refusal}, request `) }, name)
}

t.test(
  'Issuer rules: unverified email, email without dot in domain, non-ASCII email, uri with other host, username with "!", other SPIFFE trust domain, missing CI claim',
  async (t) => {
    const email = { email: 'alice@example.com', email_verified: true }
    const uri = { type: 'uri', 'subject-domain': issuerUrl }
    const username = { type: 'username', 'subject-domain': 'ci.example.com' }
    const spiffe = { type: 'spiffe', 'spiffe-trust-domain': 'example.com' }
    const rows: [string, Record<string, unknown>, Record<string, unknown>, string][] = [
      ['unverified email', { type: 'email' }, { ...email, email_verified: false }, 'email_not_verified'],
      [
        'email without dot in domain',
        { type: 'email' },
        { ...email, email: 'a@localhost' },
        'email_implausible',
      ],
      ['non-ASCII email', { type: 'email' }, { ...email, email: 'älice@example.com' }, 'email_implausible'],
      ['uri with other host', uri, { sub: 'https://other.example.com/alice' }, 'subject_refused'],
      ['username with "!"', username, { sub: 'a!b' }, 'subject_refused'],
      ['other SPIFFE trust domain', spiffe, { sub: 'spiffe://example.org/ns/a' }, 'subject_refused'],
      ['missing CI claim', { type: 'github-workflow' }, { ...gitHubClaims, sha: null }, 'claim_missing'],
    ]
    for (const [name, fields, claims, refusal] of rows) {
      const harness = await withIssuer(fields)
      const proofOver = String(claims['email'] ?? claims['sub'])
      await refused(t, await post(harness, claims, proofOver), refusal, name)
      t.equal(harness.ctLog.requests, 0, `${name}: nothing reached the CT log`)
      await harness.stop()
    }
    const provider = await withIssuer({ type: 'ci-provider', 'ci-provider': 'github-workflow' })
    t.teardown(() => provider.stop())
    const answer = await post(provider, { ...gitHubClaims, sha: null }, gitHubClaims.sub)
    t.equal(answer.statusCode, 400)
    t.match(answer.json().message, /^value <sha> not present in either claims or defaults\. /)
  },
)

t.test(
  'Meta-issuer pattern is anchored; https://evil/?https://good/* style issuers never fetched; token with many dots refused cheaply',
  async (t) => {
    const harness = await startHarness({
      config: {
        'meta-issuers': { 'https://good.example/*': { 'client-id': 'sigstore', type: 'kubernetes' } },
      },
    })
    t.teardown(() => harness.stop())
    const key = createClientKey()
    const ask = (token: string) => postV2(harness, v2Body(token, key))
    const claims = { aud: 'sigstore', exp: 4_000_000_000, sub: 'x' }
    for (const iss of [
      'https://evil.example/?https://good.example/a',
      'https://evil.example/#https://good.example/a',
      'https://good.example/a/../../evil',
      'https://good.example/a?x',
      'https://good.example/a\n',
      'https://good.example/',
      'http://good.example/a',
      'https://good.example.evil.example/a',
    ])
      await refused(
        t,
        await ask(unsigned({ alg: 'RS256', kid: 'key-1' }, { ...claims, iss }, 'AAAA')),
        'issuer_not_configured',
        iss,
      )
    await refused(t, await ask('.'.repeat(16_000)), 'token_malformed', 'many dots')
    await refused(t, await ask('.'.repeat(200_000)), 'token_too_large', 'dots beyond all measure')
    t.same(harness.proxy.requests, [], 'nobody was asked for keys')
    await refused(t, await ask(await emailToken(harness, person)), 'issuer_not_configured', 'another issuer')
  },
)

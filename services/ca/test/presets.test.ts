/** The ready configurations of presets/, each with a token as its provider gives it. */
import { X509Certificate } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { parseIssuerConfigText } from '../src/config.ts'
import { certificatesOf, createClientKey, postV2, startHarness, v2Body } from './support/harness.ts'
import { createIssuer, signToken } from './support/oidc.ts'
import {
  buildkiteClaims,
  circleClaims,
  codefreshClaims,
  gitHubClaims,
  gitLabClaims,
  kubernetesClaims,
} from './support/tokens.ts'

type Example = {
  readonly issuer: string
  readonly claims: Record<string, unknown>
  readonly san: string
  /** What the proof covers. */
  readonly proof: string
  readonly audience?: string
}

const ci = (issuer: string, claims: Record<string, unknown> & { sub: string }, uri: string): Example => ({
  issuer,
  claims,
  san: `URI:${uri}`,
  proof: claims.sub,
})
const mail = (issuer: string, claims: Record<string, unknown>, audience = 'sigstore'): Example => ({
  issuer,
  claims: { sub: 'u-1', email: 'alice@example.com', email_verified: true, ...claims },
  san: 'email:alice@example.com',
  proof: 'alice@example.com',
  audience,
})
const circleSan = 'https://circleci.com/api/v2/projects/p1/pipeline-definitions/d1'
const circleIssuer = 'https://oidc.circleci.com/org/0c1d2e3f-0000-4000-8000-000000000001'
const jenkinsJob = 'https://jenkins.example.com/job/release/job/app/'

const examples: Readonly<Record<string, readonly Example[]>> = {
  github: [
    ci(
      'https://token.actions.githubusercontent.com',
      gitHubClaims,
      'https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main',
    ),
    ci(
      'https://token.actions.githubusercontent.com/acme-corp',
      gitHubClaims,
      'https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main',
    ),
  ],
  'github-enterprise-server': [
    ci(
      'https://github.example.com/_services/token',
      gitHubClaims,
      'https://github.example.com/acme/app/.github/workflows/release.yml@refs/heads/main',
    ),
  ],
  gitlab: [
    ci('https://gitlab.com', gitLabClaims, 'https://gitlab.com/acme/app//.gitlab-ci.yml@refs/heads/main'),
  ],
  'gitlab-self-hosted': [
    ci(
      'https://gitlab.example.com',
      {
        ...gitLabClaims,
        ci_config_ref_uri: 'gitlab.example.com/acme/app//.gitlab-ci.yml@refs/heads/main',
      },
      'https://gitlab.example.com/acme/app//.gitlab-ci.yml@refs/heads/main',
    ),
  ],
  google: [mail('https://accounts.google.com', { hd: 'example.com' })],
  entra: [
    mail(
      'https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0',
      { email_verified: null, tid: '11111111-2222-3333-4444-555555555555', ver: '2.0' },
      '66666666-7777-8888-9999-000000000000',
    ),
  ],
  buildkite: [ci('https://agent.buildkite.com', buildkiteClaims, 'https://buildkite.com/acme/app')],
  circleci: [ci(circleIssuer, circleClaims, circleSan)],
  codefresh: [
    ci('https://oidc.codefresh.io', codefreshClaims, 'https://g.codefresh.io/acme/app/release:a1/p1'),
  ],
  kubernetes: [
    ci(
      'https://kubernetes.example.com',
      kubernetesClaims('release-app', 'builder'),
      'https://kubernetes.io/namespaces/release-app/serviceaccounts/builder',
    ),
    ci(
      'https://oidc.eks.eu-central-1.amazonaws.com/id/ABCDEF0123',
      kubernetesClaims('default', 'builder'),
      'https://kubernetes.io/namespaces/default/serviceaccounts/builder',
    ),
    ci(
      'https://container.googleapis.com/v1/projects/p-1/locations/eu-west1/clusters/c_1',
      kubernetesClaims('default', 'builder'),
      'https://kubernetes.io/namespaces/default/serviceaccounts/builder',
    ),
  ],
  keycloak: [
    mail('https://keycloak.example.com/realms/acme', {
      realm_access: { roles: ['offline_access', 'signer'] },
    }),
  ],
  okta: [
    mail(
      'https://acme.okta.com/oauth2/default',
      { groups: ['Everyone', 'release-managers'] },
      '0oa1b2c3d4e5f6g7h8i9',
    ),
  ],
  forgejo: [
    ci(
      'https://forgejo.example.com/api/actions',
      {
        sub: 'repo:acme/app:ref:refs/heads/main',
        repository: 'acme/app',
        repository_owner: 'acme',
        ref: 'refs/heads/main',
        ref_type: 'branch',
        sha: 'bbbb',
        event_name: 'push',
        workflow: 'release.yml',
        workflow_ref: 'acme/app/.forgejo/workflows/release.yml@refs/heads/main',
        run_id: '41',
        run_number: '7',
        run_attempt: '1',
      },
      'https://forgejo.example.com/acme/app/.forgejo/workflows/release.yml@refs/heads/main',
    ),
  ],
  jenkins: [ci('https://jenkins.example.com/oidc', { sub: jenkinsJob, build_number: 12 }, jenkinsJob)],
}

const presetText = (name: string): string =>
  readFileSync(new URL(`../presets/${name}.yaml`, import.meta.url), 'utf8')

t.test('each preset turns the token of its provider into a certificate', async (t) => {
  const all = Object.values(examples).flat()
  const standIns = await Promise.all(all.map(({ issuer }) => createIssuer(issuer, 'ES256')))
  for (const [name, list] of Object.entries(examples)) {
    const config = parseIssuerConfigText(presetText(name))
    const harness = await startHarness({ issuers: standIns, issuerEntries: config.issuers })
    for (const { issuer, claims, san, proof, audience } of list) {
      const key = createClientKey()
      const token = await signToken(standIns.find(({ url }) => url === issuer)!, {
        aud: audience ?? 'sigstore',
        ...claims,
      })
      const answer = await postV2(harness, v2Body(token, key, key.prove(proof)))
      t.equal(answer.statusCode, 200, `${name}: ${answer.body.slice(0, 300)}`)
      const leaf = new X509Certificate(certificatesOf(answer)[0]!)
      t.equal(leaf.subjectAltName, san, name)
    }
    await harness.stop()
  }
})

t.test('every preset has an example', async (t) => {
  const files = readdirSync(new URL('../presets/', import.meta.url))
  t.same(
    files.sort(),
    Object.keys(examples)
      .map((name) => `${name}.yaml`)
      .sort(),
  )
})

t.test('no preset believes everybody of an issuer that others use too', async (t) => {
  /** Servers of one's own: whoever has an account there was let in. */
  const ownServers = ['github-enterprise-server', 'gitlab-self-hosted']
  for (const name of Object.keys(examples))
    for (const { url, policy } of parseIssuerConfigText(presetText(name)).issuers)
      t.equal(
        policy?.rules.some(({ effect }) => effect === 'allow') ?? false,
        !ownServers.includes(name),
        `${name}: ${url}`,
      )
})

t.test('an enterprise of strangers is refused by the preset for GitHub', async (t) => {
  const issuer = await createIssuer('https://token.actions.githubusercontent.com/evilcorp', 'ES256')
  const harness = await startHarness({
    issuers: [issuer],
    issuerEntries: parseIssuerConfigText(presetText('github')).issuers,
  })
  t.teardown(() => harness.stop())
  const key = createClientKey()
  const claims = { ...gitHubClaims, repository: 'evilcorp/x', repository_owner: 'evilcorp' }
  const answer = await postV2(
    harness,
    v2Body(await signToken(issuer, claims), key, key.prove(gitHubClaims.sub)),
  )
  t.equal(answer.statusCode, 403)
})

t.test('policies of the presets refuse the others', async (t) => {
  const harness = await startHarness({
    issuers: [await createIssuer('https://gitlab.com', 'ES256')],
    issuerEntries: parseIssuerConfigText(presetText('gitlab')).issuers,
  })
  const key = createClientKey()
  for (const [namespace, status] of [
    ['acme', 200],
    ['acme/team/sub', 200],
    ['acme-evil', 403],
    ['evil/acme', 403],
  ] as const) {
    const issuer = harness.proxy.issuers.get('https://gitlab.com')!
    const token = await signToken(issuer, { ...gitLabClaims, namespace_path: namespace })
    const answer = await postV2(harness, v2Body(token, key, key.prove(gitLabClaims.sub)))
    t.equal(answer.statusCode, status, namespace)
  }
  await harness.stop()
})

/** Good inputs that no vector of the packages has. */
import { generateKeyPairSync } from 'node:crypto'

export const gitHubIssuer = 'https://token.actions.githubusercontent.com'

export const issuerConfig = `
oidc-issuers:
  ${gitHubIssuer}:
    issuer-url: ${gitHubIssuer}
    client-id: sigstore
    type: ci-provider
    ci-provider: github-workflow
    policy:
      - name: ours
        allow: { organization: acme, ref: { glob: ["refs/heads/*", "refs/tags/**"] } }
      - name: no forks
        deny: { claims: { event_name: pull_request_target, '$.a.b[0]': { present: true } } }
  https://login.example.com:
    issuer-url: https://login.example.com
    client-id: sigstore
    type: email
    issuer-claim: $.federated_claims.connector_id
meta-issuers:
  https://oidc.eks.*.amazonaws.com/id/*: { client-id: sigstore, type: kubernetes }
ci-issuer-metadata:
  our-own:
    default-template-values: { url: "https://ci.example.com" }
    extension-templates:
      source-repository-uri: '{{ .url }}/{{ index . "project" }}'
      build-trigger: '{{ if eq .kind "a" "b" }}x{{ else }}{{ .kind }}{{ end }}'
    subject-alternative-name-template: "{{ .url }}/{{ .project }}"
`

const claims = {
  iss: gitHubIssuer,
  aud: ['sigstore'],
  exp: 4_000_000_000,
  nbf: 1_700_000_000,
  sub: 'repo:acme/app:ref:refs/heads/main',
  event_name: 'push',
  sha: 'bbbb',
  job_workflow_ref: 'acme/app/.github/workflows/release.yml@refs/heads/main',
  job_workflow_sha: 'aaaa',
  repository: 'acme/app',
  repository_id: '1234',
  repository_owner: 'acme',
  repository_owner_id: '56',
  repository_visibility: 'public',
  workflow: 'Release it',
  workflow_ref: 'acme/app/.github/workflows/top.yml@refs/heads/main',
  workflow_sha: 'cccc',
  ref: 'refs/heads/main',
  run_id: '789',
  run_attempt: '2',
  runner_environment: 'github-hosted',
}

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

export const gitHubToken = `${part({ alg: 'RS256', kid: 'key-1', typ: 'JWT' })}.${part(claims)}.AAAA`
export const emailToken = `${part({ alg: 'RS256', kid: 'key-1' })}.${part({
  iss: 'https://login.example.com',
  aud: 'sigstore',
  exp: 4_000_000_000,
  sub: 'u-1',
  email: 'alice@example.com',
  email_verified: true,
  federated_claims: { connector_id: 'https://accounts.google.com' },
})}.AAAA`

/** A fresh key of a curve, in PEM: what it is made of decides nothing here. */
export function keyPem(namedCurve: 'P-256' | 'P-384' | 'P-521'): Buffer {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve })
  return Buffer.from(publicKey.export({ format: 'pem', type: 'spki' }))
}

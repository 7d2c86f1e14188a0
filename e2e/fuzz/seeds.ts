/** Good inputs that no vector of the packages has. */
import { generateKeyPairSync } from 'node:crypto'

const ciIssuer = 'https://agent.buildkite.com'

export const issuerConfig = `
oidc-issuers:
  ${ciIssuer}:
    issuer-url: ${ciIssuer}
    client-id: sigstore
    type: ci-provider
    ci-provider: buildkite-job
    policy:
      - name: ours
        allow: { organization: acme, claims: { build_branch: { glob: ["main", "release/**"] } } }
      - name: no forks
        deny: { claims: { build_source: fork, '$.a.b[0]': { present: true } } }
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
  iss: ciIssuer,
  aud: ['sigstore'],
  exp: 4_000_000_000,
  nbf: 1_700_000_000,
  sub: 'organization:acme:pipeline:app:ref:refs/heads/main:commit:cccc:step:build',
  organization_slug: 'acme',
  pipeline_slug: 'app',
  build_branch: 'main',
  build_commit: 'cccc',
  build_source: 'webhook',
  build_number: 12,
  job_id: 'j-1',
  runner_environment: 'self-hosted',
}

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

export const ciToken = `${part({ alg: 'RS256', kid: 'key-1', typ: 'JWT' })}.${part(claims)}.AAAA`
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

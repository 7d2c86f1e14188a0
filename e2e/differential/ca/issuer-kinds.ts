/** The kinds of issuers and identities: how both servers are told of them, and what a good token says. */

export type Claims = Readonly<Record<string, unknown>>

export const issuerKinds = ['email', 'uri', 'username', 'spiffe', 'kubernetes', 'github'] as const
export type IssuerKind = (typeof issuerKinds)[number]

export const email = 'signer@example.com'

/** The configuration both servers read; `url` is the provider's. */
export function issuerConfiguration(url: string): Claims {
  const domain = new URL(url).hostname
  const more: Record<IssuerKind, Claims> = {
    email: { type: 'email' },
    uri: { type: 'uri', 'subject-domain': `http://${domain}` },
    username: { type: 'username', 'subject-domain': domain },
    spiffe: { type: 'spiffe', 'spiffe-trust-domain': 'example.com' },
    kubernetes: { type: 'kubernetes' },
    github: { type: 'ci-provider', 'ci-provider': 'github-workflow' },
  }
  return {
    'oidc-issuers': Object.fromEntries(
      issuerKinds.map((kind) => [
        `${url}/${kind}`,
        { 'issuer-url': `${url}/${kind}`, 'client-id': 'sigstore', ...more[kind] },
      ]),
    ),
    'ci-issuer-metadata': { 'github-workflow': githubWorkflow },
  }
}

/** What a proof has to cover. */
export function provenName(kind: IssuerKind, url: string): string {
  return kind === 'email' ? email : String(claimsOf(kind, url).sub)
}

export function claimsOf(kind: IssuerKind, url: string): Claims {
  const repository = 'octo-org/octo-repo'
  const workflow = `${repository}/.github/workflows/release.yml@refs/heads/main`
  const claims: Record<IssuerKind, Claims> = {
    email: { sub: 'a-subject-0123', email, email_verified: true },
    uri: { sub: `http://${new URL(url).hostname}/people/signer` },
    username: { sub: 'signer' },
    spiffe: { sub: 'spiffe://example.com/build/signer' },
    kubernetes: {
      sub: 'system:serviceaccount:builds:signer',
      'kubernetes.io': {
        namespace: 'builds',
        pod: { name: 'pod-1', uid: '62a8a8e6-2b3f-44a3-a7c9-b1c5ad3a5fa5' },
        serviceaccount: { name: 'signer', uid: 'f0a2a3a1-6d6f-47ab-b57f-7e1d8d2b9f2c' },
      },
    },
    github: {
      sub: `repo:${repository}:ref:refs/heads/main`,
      event_name: 'push',
      sha: '0123456789abcdef0123456789abcdef01234567',
      workflow: 'Release',
      repository,
      ref: 'refs/heads/main',
      job_workflow_ref: workflow,
      job_workflow_sha: '0123456789abcdef0123456789abcdef01234567',
      runner_environment: 'github-hosted',
      repository_id: '74',
      repository_owner: 'octo-org',
      repository_owner_id: '65',
      repository_visibility: 'public',
      workflow_ref: workflow,
      workflow_sha: '0123456789abcdef0123456789abcdef01234567',
      run_id: '30433642',
      run_attempt: '2',
    },
  }
  return claims[kind]
}

/** In the file, because Fulcio builds none in. The values are those of sigstore/fulcio config/identity/config.yaml. */
const githubWorkflow: Claims = {
  'default-template-values': { url: 'https://github.com', environment: '' },
  'extension-templates': {
    'github-workflow-trigger': 'event_name',
    'github-workflow-sha': 'sha',
    'github-workflow-name': 'workflow',
    'github-workflow-repository': 'repository',
    'github-workflow-ref': 'ref',
    'build-signer-uri': '{{ .url }}/{{ .job_workflow_ref }}',
    'build-signer-digest': 'job_workflow_sha',
    'runner-environment': 'runner_environment',
    'source-repository-uri': '{{ .url }}/{{ .repository }}',
    'source-repository-digest': 'sha',
    'source-repository-ref': 'ref',
    'source-repository-identifier': 'repository_id',
    'source-repository-owner-uri': '{{ .url }}/{{ .repository_owner }}',
    'source-repository-owner-identifier': 'repository_owner_id',
    'build-config-uri': '{{ .url }}/{{ .workflow_ref }}',
    'build-config-digest': 'workflow_sha',
    'build-trigger': 'event_name',
    'run-invocation-uri':
      '{{ .url }}/{{ .repository }}/actions/runs/{{ .run_id }}/attempts/{{ .run_attempt }}',
    'source-repository-visibility-at-signing': 'repository_visibility',
    'deployment-environment': 'environment',
  },
  'subject-alternative-name-template': '{{ .url }}/{{ .job_workflow_ref }}',
}

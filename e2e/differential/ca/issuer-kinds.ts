/** The kinds of issuers and identities: how both servers are told of them, and what a good token says. */
import { readFile } from 'node:fs/promises'
import { ciClaims } from './ci-claims.ts'

export type Claims = Readonly<Record<string, unknown>>

export const ciKinds = ['github', 'gitlab', 'buildkite', 'codefresh', 'circleci', 'buddy'] as const
export type CiKind = (typeof ciKinds)[number]

/** `meta` is a GitHub issuer that is configured by a pattern. */
export const issuerKinds = [
  ...(['email', 'uri', 'username', 'spiffe', 'kubernetes', 'chainguard', 'meta'] as const),
  ...ciKinds,
] as const
export type IssuerKind = (typeof issuerKinds)[number]

export const email = 'signer@example.com'

/** In Fulcio's format. Its templates are those of the public instance, because Fulcio builds none in. */
const publicConfiguration = new URL(
  '../../../services/ca/test/vectors/public-configuration.yaml',
  import.meta.url,
)
const itsIssuers = /^oidc-issuers:$.*^(?=ci-issuer-metadata:$)/ms

/** The configuration that both servers read; `url` is the provider's. */
export async function issuerConfiguration(url: string): Promise<string> {
  const domain = new URL(url).hostname
  const provider = (name: string): Claims => ({ type: 'ci-provider', 'ci-provider': name })
  const kinds: Record<Exclude<IssuerKind, 'meta'>, Claims> = {
    email: { type: 'email' },
    uri: { type: 'uri', 'subject-domain': `http://${domain}` },
    username: { type: 'username', 'subject-domain': domain },
    spiffe: { type: 'spiffe', 'spiffe-trust-domain': 'example.com' },
    kubernetes: { type: 'kubernetes' },
    chainguard: { type: 'chainguard-identity' },
    github: provider('github-workflow'),
    gitlab: provider('gitlab-pipeline'),
    buildkite: provider('buildkite-job'),
    codefresh: provider('codefresh-workflow'),
    circleci: provider('circleci-job'),
    buddy: provider('buddy-pipeline'),
  }
  const issuers = Object.entries(kinds).map(([kind, more]) => {
    const issuer = nameOf(kind as IssuerKind, url)
    return [issuer, { 'issuer-url': issuer, 'client-id': 'sigstore', ...more }]
  })
  const pattern = { [nameOf('meta', url)]: { 'client-id': 'sigstore', ...kinds.github } }
  const ours = `oidc-issuers: ${JSON.stringify(Object.fromEntries(issuers))}\nmeta-issuers: ${JSON.stringify(pattern)}\n`
  return (await readFile(publicConfiguration, 'utf8')).replace(itsIssuers, () => ours)
}

/** As the configuration names it. */
export function nameOf(kind: IssuerKind, url: string): string {
  return `${url}/${kind === 'meta' ? 'met*' : kind}`
}

/** What a proof has to cover. */
export function provenName(kind: IssuerKind, url: string): string {
  return kind === 'email' ? email : String(claimsOf(kind, url).sub)
}

export function claimsOf(kind: IssuerKind, url: string): Claims {
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
    chainguard: { sub: 'group/signer' },
    meta: ciClaims.github,
    ...ciClaims,
  }
  return claims[kind]
}

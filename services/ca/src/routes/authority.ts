/** What the CA tells about itself: chains, issuers, health (fulcio.md sections 1.7 to 1.9). */
import { type Certificate, encodeCertificatePem } from '@sigstack/x509'
import type { FastifyPluginAsync } from 'fastify'
import type { IssuerEntry } from '../identity/identity.ts'
import { sendJson } from './send-json.ts'

export type AuthorityOptions = {
  /** Each issuing certificate first, root last; the chain that issues comes first. */
  readonly chains: () => readonly (readonly Certificate[])[]
  readonly issuers: () => readonly IssuerEntry[]
}

export const authorityRoutes: FastifyPluginAsync<AuthorityOptions> = async (app, { chains, issuers }) => {
  app.get('/api/v2/trustBundle', (_request, reply) =>
    sendJson(
      reply,
      JSON.stringify({ chains: chainsPem(chains()).map((certificates) => ({ certificates })) }),
    ),
  )
  app.get('/api/v2/configuration', (_request, reply) =>
    sendJson(reply, JSON.stringify({ issuers: issuers().map(describeIssuer) })),
  )
  app.get('/api/v1/rootCert', (_request, reply) =>
    reply.header('content-type', 'application/pem-certificate-chain').send(
      chainsPem(chains())
        .flat()
        .map((pem) => `${pem}\n`)
        .join('')
        .trim(),
    ),
  )
  app.get('/healthz', { logLevel: 'silent' }, (_request, reply) => sendJson(reply, '{"status":"SERVING"}'))
}

/** PEM with final line feed. */
export function chainsPem(chains: readonly (readonly Certificate[])[]): readonly (readonly string[])[] {
  return chains.map((chain) => chain.map(({ der }) => encodeCertificatePem(der)))
}

type DescribedIssuer = {
  readonly issuerUrl?: string
  readonly wildcardIssuerUrl?: string
  readonly audience: string
  readonly challengeClaim: string
  readonly spiffeTrustDomain: string
  readonly issuerType: string
  readonly subjectDomain: string
  readonly skipEmailVerification: boolean
}

/** Every plain field, also when empty, as protobuf JSON is written by Fulcio. */
export function describeIssuer(issuer: IssuerEntry): DescribedIssuer {
  return {
    ...(issuer.isPattern ? { wildcardIssuerUrl: issuer.url } : { issuerUrl: issuer.url }),
    audience: issuer.audience,
    challengeClaim: issuer.challengeClaim,
    spiffeTrustDomain: issuer.spiffeTrustDomain,
    issuerType: issuer.issuerType,
    subjectDomain: issuer.subjectDomain,
    skipEmailVerification: issuer.kind.type === 'email' && issuer.kind.skipEmailVerification,
  }
}

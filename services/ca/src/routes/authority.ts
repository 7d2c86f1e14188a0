/** What the CA tells about itself: chains, issuers, health (fulcio.md sections 1.7 to 1.9). */
import type { FastifyPluginAsync } from 'fastify'
import type { IssuerEntry } from '../identity/identity.ts'
import { sendJson } from './send-json.ts'

export type AuthorityOptions = {
  /** Each issuing certificate first, root last; PEM with final line feed. */
  readonly chainsPem: readonly (readonly string[])[]
  readonly issuers: readonly IssuerEntry[]
}

export const authorityRoutes: FastifyPluginAsync<AuthorityOptions> = async (app, { chainsPem, issuers }) => {
  const trustBundle = JSON.stringify({ chains: chainsPem.map((certificates) => ({ certificates })) })
  const rootCertificates = chainsPem
    .flat()
    .map((pem) => `${pem}\n`)
    .join('')
    .trim()
  const configuration = JSON.stringify({ issuers: issuers.map(describeIssuer) })

  app.get('/api/v2/trustBundle', (_request, reply) => sendJson(reply, trustBundle))
  app.get('/api/v2/configuration', (_request, reply) => sendJson(reply, configuration))
  app.get('/api/v1/rootCert', (_request, reply) =>
    reply.header('content-type', 'application/pem-certificate-chain').send(rootCertificates),
  )
  app.get('/healthz', { logLevel: 'silent' }, (_request, reply) => sendJson(reply, '{"status":"SERVING"}'))
}

/** Every plain field, also when empty, as protobuf JSON is written by Fulcio. */
function describeIssuer(issuer: IssuerEntry): Readonly<Record<string, string | boolean>> {
  return {
    ...(issuer.isPattern ? { wildcardIssuerUrl: issuer.url } : { issuerUrl: issuer.url }),
    audience: issuer.audience,
    challengeClaim: issuer.challengeClaim,
    spiffeTrustDomain: issuer.spiffeTrustDomain,
    issuerType: issuer.kind.type,
    subjectDomain: issuer.subjectDomain,
    skipEmailVerification: issuer.kind.type === 'email' && issuer.kind.skipEmailVerification,
  }
}

/**
 * Every route of Fulcio's dialect, once: what is served, what is answered to another method, how requests are counted, and what
 * the description and the pages say all follow from here.
 */
import { configuration, health, rootCert, trustBundle } from './authority.ts'
import { json, pemChain, refusals } from './messages.ts'
import type { Route } from './route.ts'
import { legacySigningCertificate, signingCertificate } from './signing-certificate.ts'

const v2 = 'dev.sigstore.fulcio.v2.CA'
const v1 = 'dev.sigstore.fulcio.v1beta.CA'

export const routes: readonly Route[] = [
  {
    id: 'signing-certificate',
    method: 'POST',
    path: '/api/v2/signingCert',
    name: { service: v2, method: 'CreateSigningCertificate' },
    handler: signingCertificate,
    description: {
      summary: 'A certificate for a key and an identity token',
      description:
        'The token stands in the body or in the Authorization header. The key comes with a signature over the subject of the token, or in a certificate request.',
      security: [{}, { bearer: [] }],
      requestBody: json(
        'CreateSigningCertificateRequest',
        'One of publicKeyRequest and certificateSigningRequest',
      ),
      responses: { 200: json('SigningCertificate', 'The certificate with its chain'), ...refusals },
    },
  },
  {
    id: 'legacy-signing-certificate',
    method: 'POST',
    path: '/api/v1/signingCert',
    name: { service: v1, method: 'CreateSigningCertificate' },
    handler: legacySigningCertificate,
    description: {
      summary: 'The same, as older clients ask for it',
      deprecated: true,
      security: [{ bearer: [] }],
      requestBody: json('LegacyCreateSigningCertificateRequest', 'Key and proof'),
      responses: { 201: pemChain('The certificate with its chain'), ...refusals },
    },
  },
  {
    id: 'trust-bundle',
    method: 'GET',
    path: '/api/v2/trustBundle',
    name: { service: v2, method: 'GetTrustBundle' },
    handler: trustBundle,
    description: {
      summary: 'The chains of this CA',
      responses: { 200: json('TrustBundle', 'Each issuing certificate first, root last') },
    },
  },
  {
    id: 'configuration',
    method: 'GET',
    path: '/api/v2/configuration',
    name: { service: v2, method: 'GetConfiguration' },
    handler: configuration,
    description: {
      summary: 'The issuers whose tokens are accepted',
      responses: { 200: json('Configuration', 'All of them') },
    },
  },
  {
    id: 'root-certificate',
    method: 'GET',
    path: '/api/v1/rootCert',
    name: { service: v1, method: 'GetRootCertificate' },
    handler: rootCert,
    description: {
      summary: 'All chains in one text',
      responses: { 200: pemChain('Each issuing certificate first, root last') },
    },
  },
  {
    id: 'health',
    method: 'GET',
    path: '/healthz',
    name: { service: 'grpc.health.v1.Health', method: 'Check' },
    handler: health,
    isQuiet: true,
    description: { summary: 'The process lives', responses: { 200: json('Health', 'It does') } },
  },
]

/** Where the pages about the API were before. */
export const formerPages = { formerPagePaths: ['/api/docs'], formerDocumentPaths: ['/api/openapi.json'] }

/** Where another method is not allowed, rather than nothing found: pages about the API are none of Fulcio's paths. */
export const servedPaths: ReadonlySet<string> = new Set(routes.map(({ path }) => path))

/** What the API looks like, as OpenAPI 3.1: for people and generators. The contract itself is docs/dialects/fulcio.md. */

const refusal = (description: string) => ({
  description,
  content: { 'application/json': { schema: { $ref: '#/components/schemas/Refusal' } } },
})

const retryLater = (description: string) => ({
  ...refusal(description),
  headers: { 'Retry-After': { description: 'Seconds', schema: { type: 'integer' } } },
})

const refusals = {
  400: refusal('The request, its token, its key or its proof is not good; the message says which.'),
  403: refusal(
    'The issuance policy does not permit a certificate for this identity; the message names the rule.',
  ),
  429: retryLater('Too many requests from this address or for this identity.'),
  500: refusal('The CA cannot issue: its chain ends, or its own check of the certificate failed.'),
  503: retryLater('The CT log, the key or the identity provider is away.'),
}

const json = (schema: string, description: string) => ({
  description,
  content: { 'application/json': { schema: { $ref: `#/components/schemas/${schema}` } } },
})

const pemChain = (description: string) => ({
  description,
  content: { 'application/pem-certificate-chain': { schema: { type: 'string' } } },
})

const text = { type: 'string' }
const base64 = { type: 'string', contentEncoding: 'base64' }
const pem = { type: 'string', description: 'PEM' }
const object = (
  properties: Readonly<Record<string, unknown>>,
  more: Readonly<Record<string, unknown>> = {},
) => ({
  type: 'object',
  properties,
  ...more,
})
const listOf = (items: unknown) => ({ type: 'array', items })
const chain = { $ref: '#/components/schemas/CertificateChain' }

export const openApi = {
  openapi: '3.1.0',
  info: {
    title: 'sigstack CA',
    version: '0.1.0',
    description:
      'Short-lived certificates for identity tokens, in the dialect of Fulcio. Field names may also be given in snake_case, null means unset, unknown fields are dropped.',
  },
  paths: {
    '/api/v2/signingCert': {
      post: {
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
    '/api/v1/signingCert': {
      post: {
        summary: 'The same, as older clients ask for it',
        deprecated: true,
        security: [{ bearer: [] }],
        requestBody: json('LegacyCreateSigningCertificateRequest', 'Key and proof'),
        responses: { 201: pemChain('The certificate with its chain'), ...refusals },
      },
    },
    '/api/v2/trustBundle': {
      get: {
        summary: 'The chains of this CA',
        responses: { 200: json('TrustBundle', 'Each issuing certificate first, root last') },
      },
    },
    '/api/v2/configuration': {
      get: {
        summary: 'The issuers whose tokens are accepted',
        responses: { 200: json('Configuration', 'All of them') },
      },
    },
    '/api/v1/rootCert': {
      get: {
        summary: 'All chains in one text',
        responses: { 200: pemChain('Each issuing certificate first, root last') },
      },
    },
    '/healthz': { get: { summary: 'The process lives', responses: { 200: json('Health', 'It does') } } },
    '/readyz': {
      get: {
        summary: 'The CA could issue now',
        responses: { 200: json('Readiness', 'It could'), 503: json('Readiness', 'It could not, and why') },
      },
    },
    '/metrics': {
      get: {
        summary: 'Metrics for Prometheus, unless they have a port of their own',
        responses: { 200: { description: 'Metrics', content: { 'text/plain': { schema: text } } } },
      },
    },
    '/api/openapi.json': {
      get: {
        summary: 'This description',
        responses: { 200: { description: 'OpenAPI 3.1', content: { 'application/json': {} } } },
      },
    },
    '/api/docs': {
      get: {
        summary: 'This description as a page',
        responses: { 200: { description: 'HTML', content: { 'text/html': {} } } },
      },
    },
  },
  components: {
    securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
    schemas: {
      CreateSigningCertificateRequest: object({
        credentials: object({ oidcIdentityToken: { ...text, description: 'Compact JWT' } }),
        publicKeyRequest: object({
          publicKey: object({
            algorithm: { description: 'Not read: the key itself says what it is' },
            content: pem,
          }),
          proofOfPossession: base64,
        }),
        certificateSigningRequest: { ...base64, description: 'PEM of a PKCS#10 request' },
      }),
      LegacyCreateSigningCertificateRequest: object({
        publicKey: object({ algorithm: text, content: { ...base64, description: 'PEM or DER' } }),
        signedEmailAddress: base64,
        certificateSigningRequest: { ...base64, type: ['string', 'null'] },
      }),
      SigningCertificate: object(
        {
          signedCertificateEmbeddedSct: object({ chain }),
          signedCertificateDetachedSct: object({ chain, signedCertificateTimestamp: base64 }),
        },
        {
          description:
            'Exactly one of the two; the second only where there is no CT log, and then without SCT',
        },
      ),
      CertificateChain: object({ certificates: listOf(pem) }),
      TrustBundle: object({ chains: listOf(chain) }),
      Configuration: object({ issuers: listOf({ $ref: '#/components/schemas/OIDCIssuer' }) }),
      OIDCIssuer: object({
        issuerUrl: text,
        wildcardIssuerUrl: text,
        audience: text,
        challengeClaim: text,
        spiffeTrustDomain: text,
        issuerType: text,
        subjectDomain: text,
        skipEmailVerification: { type: 'boolean' },
      }),
      Health: object({ status: text }),
      Readiness: object({ status: text, checks: object({}, { additionalProperties: text }) }),
      Refusal: object({
        code: { type: 'integer', description: 'gRPC status' },
        message: text,
        details: listOf({}),
      }),
    },
  },
} as const

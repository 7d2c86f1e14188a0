/** What the descriptions of routes are made of: messages by name, answers, refusals. */
import { readinessSchema, type Schema } from '@sigstack/server'

const publicKeyExample = '-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYI…\n-----END PUBLIC KEY-----\n'
const certificateExample = (start: string) =>
  `-----BEGIN CERTIFICATE-----\n${start}…\n-----END CERTIFICATE-----\n`
/** Of a leaf and its root. */
const chainExample = {
  certificates: [certificateExample('MIICvzCCAkWgAwIBAgIU'), certificateExample('MIIB+DCCAX6gAwIBAgIT')],
}

const refusal = (description: string) => ({
  description,
  content: { 'application/json': { schema: { $ref: '#/components/schemas/Refusal' } } },
})

const retryLater = (description: string) => ({
  ...refusal(description),
  headers: { 'Retry-After': { description: 'Seconds', schema: { type: 'integer' } } },
})

export const refusals = {
  400: refusal('The request, its token, its key or its proof is not good; the message says which.'),
  403: refusal(
    'The issuance policy does not permit a certificate for this identity; the message names the rule.',
  ),
  429: retryLater('Too many requests from this address or for this identity.'),
  500: refusal('The CA cannot issue: its chain ends, or its own check of the certificate failed.'),
  503: retryLater('The CT log, the key or the identity provider is away, or too many others wait.'),
}

export const json = (schema: string, description: string) => ({
  description,
  content: { 'application/json': { schema: { $ref: `#/components/schemas/${schema}` } } },
})

export const pemChain = (description: string) => ({
  description,
  content: {
    'application/pem-certificate-chain': {
      schema: { type: 'string' },
      example: chainExample.certificates.join(''),
    },
  },
})

const text = { type: 'string' }
const base64 = { type: 'string', contentEncoding: 'base64' }
const pem = { type: 'string', description: 'PEM' }
const object = (properties: Readonly<Record<string, Schema>>, more: Schema = {}): Schema => ({
  type: 'object',
  properties,
  ...more,
})
const listOf = (items: Schema): Schema => ({ type: 'array', items })
const chain = { $ref: '#/components/schemas/CertificateChain' }

export const schemas: Readonly<Record<string, Schema>> = {
  CreateSigningCertificateRequest: object(
    {
      credentials: object({ oidcIdentityToken: { ...text, description: 'Compact JWT' } }),
      publicKeyRequest: object({
        publicKey: object({
          algorithm: { description: 'Not read: the key itself says what it is' },
          content: pem,
        }),
        proofOfPossession: base64,
      }),
      certificateSigningRequest: { ...base64, description: 'PEM of a PKCS#10 request' },
    },
    {
      example: {
        credentials: { oidcIdentityToken: 'eyJhbGciOiJSUzI1NiIs…' },
        publicKeyRequest: {
          publicKey: { algorithm: 'ECDSA', content: publicKeyExample },
          proofOfPossession: 'MEUCIQDx…',
        },
      },
    },
  ),
  LegacyCreateSigningCertificateRequest: object(
    {
      publicKey: object({ algorithm: text, content: { ...base64, description: 'PEM or DER' } }),
      signedEmailAddress: base64,
      certificateSigningRequest: { ...base64, type: ['string', 'null'] },
    },
    {
      example: {
        publicKey: { algorithm: 'ecdsa', content: 'MFkwEwYHKoZIzj0CAQYI…' },
        signedEmailAddress: 'MEUCIQDx…',
      },
    },
  ),
  SigningCertificate: object(
    {
      signedCertificateEmbeddedSct: object({ chain }),
      signedCertificateDetachedSct: object({ chain, signedCertificateTimestamp: base64 }),
    },
    {
      description: 'Exactly one of the two; the second only where there is no CT log, and then without SCT',
      example: { signedCertificateEmbeddedSct: { chain: chainExample } },
    },
  ),
  CertificateChain: object({ certificates: listOf(pem) }, { example: chainExample }),
  TrustBundle: object({ chains: listOf(chain) }, { example: { chains: [chainExample] } }),
  Configuration: object({ issuers: listOf({ $ref: '#/components/schemas/OIDCIssuer' }) }),
  OIDCIssuer: object(
    {
      issuerUrl: text,
      wildcardIssuerUrl: text,
      audience: text,
      challengeClaim: text,
      spiffeTrustDomain: text,
      issuerType: text,
      subjectDomain: text,
      skipEmailVerification: { type: 'boolean' },
    },
    {
      example: {
        issuerUrl: 'https://accounts.example.com',
        audience: 'sigstore',
        challengeClaim: 'email',
        issuerType: 'email',
      },
    },
  ),
  Health: object({ status: text }, { example: { status: 'SERVING' } }),
  Readiness: readinessSchema,
  Refusal: object(
    {
      code: { type: 'integer', description: 'gRPC status' },
      message: text,
      details: listOf({}),
    },
    { example: { code: 3, message: 'There was an error processing the identity token', details: [] } },
  ),
}

/** What the API looks like, as OpenAPI 3.1: for people and generators. The contract itself is docs/dialects/timestamp-authority.md. */
import { type ApiDocument, commonPaths } from '@sigstack/server'
import { version } from '@sigstack/server/version'
import { paths } from './routes/replies.ts'

const refusal = (description: string) => ({
  description,
  content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
})
const stamp = {
  description: 'DER TimeStampResp (RFC 3161); its status is always granted',
  content: { 'application/timestamp-reply': { schema: { type: 'string', description: 'DER' } } },
}
const pem = { type: 'string' }

export const openApi: ApiDocument = {
  openapi: '3.1.0',
  info: {
    title: 'sigstack timestamp authority',
    version,
    description: 'Signed times for digests (RFC 3161), in the dialect of Sigstore’s timestamp authority.',
  },
  paths: {
    [paths.stamp]: {
      post: {
        summary: 'A stamp for a digest',
        requestBody: {
          required: true,
          content: {
            'application/timestamp-query': { schema: { type: 'string', description: 'DER' } },
            'application/json': { schema: { $ref: '#/components/schemas/JSONRequest' } },
          },
        },
        responses: {
          200: stamp,
          201: { ...stamp, description: 'The same, where TSA_SUCCESS_STATUS says so' },
          400: refusal('What was sent is no request that is stamped here'),
          413: refusal('The body is too large'),
          415: refusal('The body is of another type'),
          500: refusal('The stamp was not made: the key does not sign, or the clock is not believed'),
        },
      },
    },
    [paths.chain]: {
      get: {
        summary: 'The chain to verify stamps with: signing certificate, intermediates, root',
        responses: {
          200: { description: 'PEM', content: { 'application/pem-certificate-chain': { schema: pem } } },
        },
      },
    },
    '/api/v1/timestamp/trustBundle': {
      get: {
        summary: 'Every chain that is to be trusted, the one that stamps now first',
        responses: {
          200: {
            description: 'Chains in PEM',
            content: { 'application/json': { schema: { $ref: '#/components/schemas/TrustBundle' } } },
          },
        },
      },
    },
    '/ping': {
      get: { summary: 'A dot', responses: { 200: { description: '.', content: { 'text/plain': {} } } } },
    },
    ...commonPaths,
  },
  components: {
    schemas: {
      JSONRequest: {
        type: 'object',
        required: ['artifactHash', 'hashAlgorithm'],
        properties: {
          artifactHash: { type: 'string', description: 'base64 of the digest' },
          hashAlgorithm: { enum: ['sha256', 'sha384', 'sha512'] },
          nonce: { type: 'integer', description: 'of any size' },
          certificates: { type: 'boolean', description: 'whether the stamp brings its certificate' },
          tsaPolicyOID: { type: 'string' },
        },
        example: {
          artifactHash: 'LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=',
          hashAlgorithm: 'sha256',
          nonce: 1123343434,
          certificates: true,
        },
      },
      TrustBundle: {
        type: 'object',
        properties: {
          chains: {
            type: 'array',
            items: { type: 'object', properties: { certificates: { type: 'array', items: pem } } },
          },
        },
      },
      Error: {
        type: 'object',
        properties: { code: { type: 'integer' }, message: { type: 'string' } },
        example: { code: 400, message: 'Error generating timestamp response' },
      },
    },
  },
}

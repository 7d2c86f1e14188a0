/** What the API looks like, as OpenAPI 3.1. */
import { type ApiDocument, commonPaths, type Operation, problem, problemSchema } from '@sigstack/server'
import { version } from '@sigstack/server/version'

const issuer = {
  name: 'issuer',
  in: 'query',
  required: true,
  description: 'its URL as tokens have it in iss',
  schema: { type: 'string' },
}

const refusals: Operation['responses'] = {
  400: problem('A parameter is missing or too long'),
  404: problem('No issuer of this URL is configured'),
  502: problem('What the issuer serves is no such document, or that of another issuer'),
  503: problem('The issuer cannot be reached, and nothing that is young enough is kept'),
}

const document = (description: string, schema: string) => ({
  description: `${description}, byte for byte; Age and X-Document-Freshness say how old it is`,
  content: { 'application/json': { schema: { $ref: `#/components/schemas/${schema}` } } },
})

const seen = { $ref: '#/components/schemas/DocumentState' }

export const openApi: ApiDocument = {
  openapi: '3.1.0',
  info: {
    title: 'sigstack OIDC proxy',
    version,
    description:
      'Discovery documents and key sets of the issuers that the certificate authority trusts, fetched and kept for it.',
  },
  paths: {
    '/v1/discovery': {
      get: {
        summary: 'The discovery document of an issuer',
        parameters: [issuer],
        responses: { 200: document('As the issuer serves it', 'Discovery'), ...refusals },
      },
    },
    '/v1/jwks': {
      get: {
        summary: 'The keys of an issuer',
        parameters: [
          issuer,
          {
            name: 'kid',
            in: 'query',
            description: 'the issuer is asked again where the kept set lacks this key',
            schema: { type: 'string' },
          },
        ],
        responses: { 200: document('As the issuer serves it', 'KeySet'), ...refusals },
      },
    },
    '/v1/issuers': {
      get: {
        summary: 'How every issuer is doing, as this replica saw it',
        responses: {
          200: {
            description: 'All of them',
            content: { 'application/json': { schema: { $ref: '#/components/schemas/Issuers' } } },
          },
        },
      },
    },
    ...commonPaths,
  },
  components: {
    schemas: {
      Discovery: {
        type: 'object',
        description:
          'OpenID Connect Discovery 1.0, section 3; members that are not named here pass unchanged',
        required: ['issuer', 'jwks_uri'],
        properties: { issuer: { type: 'string' }, jwks_uri: { type: 'string' } },
        example: {
          issuer: 'https://token.actions.githubusercontent.com',
          jwks_uri: 'https://token.actions.githubusercontent.com/.well-known/jwks',
        },
      },
      KeySet: {
        type: 'object',
        description: 'A JSON Web Key Set (RFC 7517)',
        required: ['keys'],
        properties: { keys: { type: 'array', items: { type: 'object' } } },
        example: { keys: [{ kty: 'RSA', kid: 'a1', alg: 'RS256', use: 'sig', n: 'u1SU1L…', e: 'AQAB' }] },
      },
      Issuers: {
        type: 'object',
        required: ['cache', 'patterns', 'issuers'],
        properties: {
          cache: { type: 'string', description: 'how the shared cache is' },
          patterns: { type: 'array', description: 'families of issuers', items: { type: 'string' } },
          issuers: {
            type: 'array',
            items: {
              type: 'object',
              properties: {
                issuer: { type: 'string' },
                pattern: { type: 'string' },
                discovery: seen,
                jwks: seen,
              },
            },
          },
        },
        example: {
          cache: 'ok',
          patterns: ['https://oidc.eks.*.amazonaws.com/id/*'],
          issuers: [
            {
              issuer: 'https://accounts.example.com',
              discovery: { lastSuccess: '2026-03-01T12:00:00.000Z', ageSeconds: 42, lastError: null },
              jwks: { lastSuccess: '2026-03-01T12:00:00.000Z', ageSeconds: 42, lastError: null },
            },
          ],
        },
      },
      DocumentState: {
        type: 'object',
        properties: {
          lastSuccess: { type: ['string', 'null'] },
          ageSeconds: { type: ['integer', 'null'] },
          lastError: { type: ['object', 'null'], description: 'when, with a code and a message' },
        },
        example: { lastSuccess: '2026-03-01T12:00:00.000Z', ageSeconds: 42, lastError: null },
      },
      Problem: problemSchema,
    },
  },
}

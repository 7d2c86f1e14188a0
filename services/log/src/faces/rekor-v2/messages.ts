/** The bodies of the messages, as OpenAPI 3.1 describes them. */
import type { Answer, Operation, Schema } from '@sigstack/server'
import { toldLineSchema } from '../../line/told-line.ts'
import { searchSchemas } from '../../search/schemas.ts'

const base64: Schema = { type: 'string', contentEncoding: 'base64' }
const int64: Schema = { type: 'string', pattern: '^[0-9]+$' }
const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` })
const object = (properties: Readonly<Record<string, Schema>>, required: readonly string[] = []): Schema => ({
  type: 'object',
  properties,
  required: [...required],
})

const json = (name: string, description: string): Answer => ({
  description,
  content: { 'application/json': { schema: ref(name) } },
})

export const plain = (description: string, example: string): Answer => ({
  description,
  content: { 'text/plain': { example } },
})

export const createEntryOperation: Operation = {
  operationId: 'CreateEntry',
  summary: 'Verifies and logs an entry, and proves it',
  requestBody: {
    description: 'Protobuf JSON: names in lowerCamelCase or snake_case, one kind of entry.',
    required: true,
    content: { 'application/json': { schema: ref('CreateEntryRequest') } },
  },
  responses: {
    201: json('TransparencyLogEntry', 'The entry with its proof; of one that was logged before a fresh one'),
    400: json('Status', 'It is no request of this log, or does not hold'),
    401: json('Status', 'The sender is not known'),
    403: json('Status', 'A rule of this log refuses it'),
    405: plain('The log has its last entry', 'This log has been frozen, please switch to the latest log.\n'),
    409: json('Status', 'It is there already, where LOG_DUPLICATES says so; x-log-index says where'),
    429: json('Status', 'Too many; Retry-After says when to come again'),
    503: json('Status', 'The log cannot answer now; Retry-After says when to come again'),
  },
}

export const publicKeyOperation: Operation = {
  summary: 'The key of the log of that host',
  responses: {
    200: {
      description: 'PEM',
      content: {
        'application/x-pem-file': {
          example:
            '-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE…\n-----END PUBLIC KEY-----\n',
        },
      },
    },
  },
}

/** Not in upstream. */
export const searchOperation: Operation = {
  operationId: 'Search',
  summary: 'Entries by what they are about, in pages',
  requestBody: {
    description: 'Criteria and bounds',
    required: true,
    content: { 'application/json': { schema: ref('SearchQuery') } },
  },
  responses: {
    200: json('SearchPage', 'a page'),
    400: json('Status', 'It is no query'),
    503: json('Status', 'The log cannot answer now'),
  },
}

export const searchParameters = Object.entries(searchSchemas.SearchQuery.properties)
  .filter(([name]) => name !== 'publicKey')
  .map(([name, schema]) => ({ name, in: 'query', required: false, schema }))

export const healthOperation: Operation = {
  summary: 'The process lives',
  responses: { 200: json('Health', 'It does') },
}

export const schemas: Readonly<Record<string, Schema>> = {
  ...searchSchemas,
  Line: toldLineSchema,
  CreateEntryRequest: {
    ...object({ hashedRekordRequestV002: ref('HashedRekordRequest'), dsseRequestV002: ref('DsseRequest') }),
    description: 'exactly one of them',
  },
  HashedRekordRequest: object(
    {
      digest: { ...base64, description: 'by the hash of keyDetails' },
      signature: object({ content: base64, verifier: ref('Verifier') }, ['content', 'verifier']),
    },
    ['digest', 'signature'],
  ),
  DsseRequest: object(
    {
      envelope: object({
        payload: base64,
        payloadType: { type: 'string' },
        signatures: { type: 'array', items: object({ sig: base64, keyid: { type: 'string' } }) },
      }),
      verifiers: { type: 'array', items: ref('Verifier') },
    },
    ['envelope', 'verifiers'],
  ),
  Verifier: object(
    {
      publicKey: {
        ...object({ rawBytes: base64 }),
        description: 'DER SubjectPublicKeyInfo; or a certificate',
      },
      x509Certificate: object({ rawBytes: base64 }),
      keyDetails: { type: 'string', example: 'PKIX_ECDSA_P256_SHA_256' },
    },
    ['keyDetails'],
  ),
  TransparencyLogEntry: object(
    {
      logIndex: int64,
      logId: object({ keyId: base64 }, ['keyId']),
      kindVersion: object({ kind: { type: 'string' }, version: { type: 'string' } }, ['kind', 'version']),
      integratedTime: { const: '0', description: 'time is told by a timestamp authority' },
      inclusionPromise: { type: 'null' },
      inclusionProof: ref('InclusionProof'),
      canonicalizedBody: base64,
    },
    ['logIndex', 'logId', 'kindVersion', 'inclusionProof', 'canonicalizedBody'],
  ),
  InclusionProof: object(
    {
      logIndex: int64,
      rootHash: base64,
      treeSize: int64,
      hashes: { type: 'array', items: base64 },
      checkpoint: object({ envelope: { type: 'string' } }, ['envelope']),
    },
    ['logIndex', 'rootHash', 'treeSize', 'hashes', 'checkpoint'],
  ),
  Status: object(
    {
      code: { type: 'integer', description: 'of gRPC' },
      message: { type: 'string' },
      details: { type: 'array', items: {} },
    },
    ['code', 'message', 'details'],
  ),
  Health: object({ status: { const: 'SERVING' } }, ['status']),
}

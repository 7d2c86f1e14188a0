/** The bodies and parameters of Rekor's messages, as OpenAPI 3.1 describes them. A test holds every answer against them. */
import { entryKinds } from '@sigstack/rekor-entries'
import { searchSchemas } from '../../search/schemas.ts'

const hex64 = { type: 'string', pattern: '^[0-9a-f]{64}$' } as const
export const entryId = {
  type: 'string',
  pattern: '^[0-9a-f]{80}$',
  description: 'tree ID (16 hex digits) and leaf hash (64)',
} as const
export const index = { type: 'integer', minimum: 0 } as const
const base64 = { type: 'string', contentEncoding: 'base64' } as const
const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` })
const content = (schema: object) => ({ 'application/json': { schema } })

export const schemas = {
  Error: {
    type: 'object',
    required: ['code', 'message'],
    additionalProperties: false,
    properties: {
      code: { type: 'integer', description: 'the status, or above 600 for what does not meet its schema' },
      message: { type: 'string' },
    },
  },
  LogInfo: {
    type: 'object',
    required: ['inactiveShards', 'rootHash', 'signedTreeHead', 'treeID', 'treeSize'],
    additionalProperties: false,
    properties: {
      inactiveShards: { type: 'array', items: ref('ShardInfo') },
      rootHash: hex64,
      signedTreeHead: { type: 'string', description: 'checkpoint: a signed note' },
      treeID: { type: 'string', pattern: '^[0-9]+$' },
      treeSize: index,
    },
  },
  ShardInfo: {
    type: 'object',
    required: ['rootHash', 'signedTreeHead', 'treeID', 'treeSize'],
    additionalProperties: false,
    properties: {
      rootHash: hex64,
      signedTreeHead: { type: 'string' },
      treeID: { type: 'string' },
      treeSize: index,
    },
  },
  ConsistencyProof: {
    type: 'object',
    required: ['hashes', 'rootHash'],
    additionalProperties: false,
    properties: {
      hashes: { type: 'array', items: hex64 },
      rootHash: { ...hex64, description: 'of the tree as it is now, not of lastSize' },
    },
  },
  ProposedEntry: {
    type: 'object',
    required: ['apiVersion', 'kind', 'spec'],
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string', enum: entryKinds },
      spec: { type: 'object' },
    },
  },
  LogEntry: {
    type: 'object',
    description: 'one member, whose name is the entry ID',
    minProperties: 1,
    maxProperties: 1,
    propertyNames: entryId,
    additionalProperties: {
      type: 'object',
      required: ['body', 'integratedTime', 'logID', 'logIndex', 'verification'],
      additionalProperties: false,
      properties: {
        attestation: { type: 'object', required: ['data'], properties: { data: base64 } },
        body: { ...base64, description: 'the leaf: canonical JSON of apiVersion, kind and spec' },
        integratedTime: { type: 'integer', description: 'seconds since 1970' },
        logID: { ...hex64, description: 'SHA-256 of the key of the shard' },
        logIndex: { ...index, description: 'over all shards' },
        verification: {
          type: 'object',
          required: ['inclusionProof', 'signedEntryTimestamp'],
          additionalProperties: false,
          properties: {
            inclusionProof: {
              type: 'object',
              required: ['checkpoint', 'hashes', 'logIndex', 'rootHash', 'treeSize'],
              additionalProperties: false,
              properties: {
                checkpoint: { type: 'string' },
                hashes: { type: 'array', items: hex64 },
                logIndex: { ...index, description: 'in the shard' },
                rootHash: hex64,
                treeSize: { type: 'integer', minimum: 1 },
              },
            },
            signedEntryTimestamp: base64,
          },
        },
      },
    },
  },
  RetrieveQuery: {
    type: 'object',
    description: 'at most ten items in all',
    properties: {
      entryUUIDs: { type: 'array', minItems: 1, maxItems: 10, items: { type: 'string' } },
      logIndexes: { type: 'array', minItems: 1, maxItems: 10, items: index },
      entries: { type: 'array', minItems: 1, maxItems: 10, items: ref('ProposedEntry') },
    },
  },
  IndexQuery: {
    type: 'object',
    properties: {
      email: { type: 'string', format: 'email' },
      subject: { type: 'string', minLength: 1, maxLength: 512 },
      hash: { type: 'string' },
      publicKey: {
        type: 'object',
        required: ['format'],
        properties: {
          format: { type: 'string', enum: ['pgp', 'x509', 'minisign', 'ssh', 'tuf'] },
          content: base64,
        },
      },
      operator: { type: 'string', enum: ['and', 'or'], default: 'or' },
    },
  },
  ...searchSchemas,
} as const

/** An answer in JSON of this schema. */
export const json = (schema: object, description: string) => ({ description, content: content(schema) })
export const named = (name: keyof typeof schemas, description: string) => json(ref(name), description)
export const error = (description: string) => named('Error', description)
export const empty = (description: string) => ({ description })
export const text = (type: string, description: string, schema: object = {}) => ({
  description,
  content: { [type]: { schema: { type: 'string', ...schema } } },
})
export const body = (name: keyof typeof schemas) => ({ required: true, content: content(ref(name)) })
export const query = (name: string, schema: object, required = false) => ({
  name,
  in: 'query',
  required,
  schema,
})

export const entryAnswer = named('LogEntry', 'the entry with a fresh proof and SET')
export const treeIdParameter = query('treeID', { type: 'string', pattern: '^[0-9]+$' })
/** Of every operation. */
export const refusals = {
  400: error('the request is refused, with the reason'),
  406: error('another type was asked for'),
  422: error('a parameter or the body does not meet its schema'),
  501: error('switched off in this log'),
  503: error('not now; Retry-After says when'),
} as const

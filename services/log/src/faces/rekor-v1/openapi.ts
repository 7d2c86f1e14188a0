/** The description of the API that `/swagger.json` serves and `/docs` renders: OpenAPI 3.1. A test holds every answer against it. */
import { entryKinds } from '@sigstack/rekor-entries'

const hex64 = { type: 'string', pattern: '^[0-9a-f]{64}$' } as const
const entryId = {
  type: 'string',
  pattern: '^[0-9a-f]{80}$',
  description: 'tree ID (16 hex digits) and leaf hash (64)',
} as const
const index = { type: 'integer', minimum: 0 } as const
const base64 = { type: 'string', contentEncoding: 'base64' } as const
const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` })
const json = (schema: object) => ({ 'application/json': { schema } })

const schemas = {
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
  SearchQuery: {
    type: 'object',
    additionalProperties: false,
    description:
      'Each value is a criterion, joined by the operator; kind, after and before narrow down what is found. Lists have at most ten values.',
    properties: {
      digest: {
        $ref: '#/components/schemas/Texts',
        description: '`<algorithm>:<hex>`, or hex of the length of a SHA digest',
      },
      email: ref('Texts'),
      uri: ref('Texts'),
      subject: { $ref: '#/components/schemas/Texts', description: 'any name in a certificate' },
      issuer: { $ref: '#/components/schemas/Texts', description: 'who issued the identity token' },
      keyHash: {
        $ref: '#/components/schemas/Texts',
        description: 'hex SHA-256 of the PEM of a key or certificate',
      },
      publicKey: { type: 'object', description: 'as in IndexQuery, or a text: content of format x509' },
      serial: { $ref: '#/components/schemas/Texts', description: 'of the certificate, in hex' },
      kind: ref('Texts'),
      after: {
        type: ['string', 'integer'],
        description: 'integrated then or later: RFC 3339 or seconds since 1970',
      },
      before: { type: ['string', 'integer'] },
      operator: { type: 'string', enum: ['and', 'or'], default: 'and' },
      order: { type: 'string', enum: ['newest', 'oldest'], default: 'newest' },
      limit: { type: 'integer', minimum: 1, maximum: 100, default: 20 },
      cursor: {
        type: 'string',
        maxLength: 64,
        description: '`next` of the page before; the rest of the query unchanged',
      },
    },
  },
  Texts: {
    oneOf: [
      { type: 'string', minLength: 1, maxLength: 512 },
      { type: 'array', maxItems: 10, items: { type: 'string', minLength: 1, maxLength: 512 } },
    ],
  },
  SearchPage: {
    type: 'object',
    required: ['entries', 'indexed'],
    additionalProperties: false,
    properties: {
      entries: {
        type: 'array',
        maxItems: 100,
        items: {
          type: 'object',
          required: [
            'entryID',
            'logIndex',
            'integratedTime',
            'kind',
            'apiVersion',
            'subjects',
            'issuers',
            'serialNumbers',
            'keyHashes',
          ],
          additionalProperties: false,
          properties: {
            entryID: entryId,
            logIndex: index,
            integratedTime: { type: 'integer' },
            kind: { type: 'string' },
            apiVersion: { type: 'string' },
            subjects: { type: 'array', items: { type: 'string' } },
            issuers: { type: 'array', items: { type: 'string' } },
            serialNumbers: { type: 'array', items: { type: 'string' } },
            keyHashes: { type: 'array', items: hex64 },
          },
        },
      },
      indexed: { ...index, description: 'entries below this index can be found' },
      next: {
        type: 'string',
        description: 'absent when nothing is left; a page may be short although more follow',
      },
    },
  },
} as const

const error = (description: string) => ({ description, content: json(ref('Error')) })
const empty = (description: string) => ({ description })
const entryAnswer = { description: 'the entry with a fresh proof and SET', content: json(ref('LogEntry')) }
const query = (name: string, schema: object, required = false) => ({ name, in: 'query', required, schema })
const body = (name: string) => ({ required: true, content: json(ref(name)) })
const refusals = {
  '400': error('the request is refused, with the reason'),
  '406': error('another type was asked for'),
  '422': error('a parameter or the body does not meet its schema'),
  '501': error('switched off in this log'),
  '503': error('not now; Retry-After says when'),
} as const

export const openapi = {
  openapi: '3.1.0',
  info: {
    title: 'Rekor',
    version: '1.0.0',
    description: 'A transparency log with the HTTP interface of Rekor v1, and a search of its own.',
  },
  paths: {
    '/api/v1/log': {
      get: {
        operationId: 'getLogInfo',
        summary: 'The heads of the log: the active shard, and the inactive ones, oldest first',
        responses: { '200': { description: 'log info', content: json(ref('LogInfo')) }, ...refusals },
      },
    },
    '/api/v1/log/publicKey': {
      get: {
        operationId: 'getPublicKey',
        summary: 'The key of a shard',
        parameters: [query('treeID', { type: 'string', pattern: '^[0-9]+$' })],
        responses: {
          '200': {
            description: 'PKIX PEM',
            content: { 'application/x-pem-file': { schema: { type: 'string' } } },
          },
          ...refusals,
        },
      },
    },
    '/api/v1/log/proof': {
      get: {
        operationId: 'getLogProof',
        summary: 'That the log only grew between two sizes',
        parameters: [
          query('firstSize', { type: 'integer', minimum: 1, default: 1 }),
          query('lastSize', { type: 'integer', minimum: 1 }, true),
          query('treeID', { type: 'string', pattern: '^[0-9]+$' }),
        ],
        responses: {
          '200': { description: 'consistency proof', content: json(ref('ConsistencyProof')) },
          ...refusals,
        },
      },
    },
    '/api/v1/log/entries': {
      post: {
        operationId: 'createLogEntry',
        summary: 'Logs an entry; durable and provable when it is answered',
        requestBody: body('ProposedEntry'),
        responses: {
          '201': {
            ...entryAnswer,
            headers: {
              Location: { schema: { type: 'string' }, description: 'path of the entry' },
              ETag: { schema: entryId, description: 'the entry ID, without quotes' },
            },
          },
          '403': error('the rules of this log do not admit the entry'),
          '409': error('the entry is in the log already; Location says where'),
          '413': error('the body is too large'),
          '415': error('the body is not application/json'),
          '429': error('too many entries; Retry-After says when'),
          ...refusals,
        },
      },
      get: {
        operationId: 'getLogEntryByIndex',
        summary: 'An entry by its index over all shards',
        parameters: [query('logIndex', index, true)],
        responses: { '200': entryAnswer, '404': empty('there is no such entry'), ...refusals },
      },
    },
    '/api/v1/log/entries/{entryUUID}': {
      get: {
        operationId: 'getLogEntryByUUID',
        summary: 'An entry by its ID, or by its leaf hash alone',
        parameters: [
          {
            name: 'entryUUID',
            in: 'path',
            required: true,
            schema: { type: 'string', pattern: '^([0-9a-fA-F]{64}|[0-9a-fA-F]{80})$' },
          },
        ],
        responses: { '200': entryAnswer, '404': empty('there is no such entry'), ...refusals },
      },
    },
    '/api/v1/log/entries/retrieve': {
      post: {
        operationId: 'searchLogQuery',
        summary: 'Several entries, by ID, index, or by proposing them again',
        requestBody: body('RetrieveQuery'),
        responses: {
          '200': {
            description: 'those that are there',
            content: json({ type: 'array', items: ref('LogEntry') }),
          },
          ...refusals,
        },
      },
    },
    '/api/v1/index/retrieve': {
      post: {
        operationId: 'searchIndex',
        summary: 'IDs of entries by digest, e-mail address, name or key. See /api/v1/search for more',
        requestBody: body('IndexQuery'),
        responses: {
          '200': {
            description: 'entry IDs, without order',
            content: json({ type: 'array', items: entryId }),
          },
          ...refusals,
        },
      },
    },
    '/api/v1/search': {
      get: {
        operationId: 'searchByParameters',
        summary: 'Entries by what they are about, in pages (parameters)',
        parameters: Object.entries(schemas.SearchQuery.properties)
          .filter(([name]) => name !== 'publicKey')
          .map(([name, schema]) => query(name, schema)),
        responses: { '200': { description: 'a page', content: json(ref('SearchPage')) }, ...refusals },
      },
      post: {
        operationId: 'search',
        summary: 'Entries by what they are about, in pages (JSON)',
        requestBody: body('SearchQuery'),
        responses: { '200': { description: 'a page', content: json(ref('SearchPage')) }, ...refusals },
      },
    },
    '/ping': {
      get: {
        operationId: 'ping',
        summary: 'The process lives',
        responses: {
          '200': {
            description: 'a dot',
            content: { 'text/plain': { schema: { type: 'string', const: '.' } } },
          },
        },
      },
    },
  },
  components: { schemas },
} as const

/** The query and the page of `/api/v1/search`, as OpenAPI has them. */

const texts = { $ref: '#/components/schemas/Texts' }
const index = { type: 'integer', format: 'int64', minimum: 0 }
const hex64 = { type: 'string', pattern: '^[0-9a-fA-F]{64}$' }

export const searchSchemas = {
  SearchQuery: {
    type: 'object',
    additionalProperties: false,
    description:
      'Each value is a criterion, joined by the operator; log, kind, after and before narrow down what is found. Lists have at most ten values.',
    properties: {
      digest: { ...texts, description: '`<algorithm>:<hex>`, or hex of the length of a SHA digest' },
      email: texts,
      uri: texts,
      subject: { ...texts, description: 'any name in a certificate' },
      issuer: { ...texts, description: 'who issued the identity token' },
      keyHash: { ...texts, description: 'hex SHA-256 of the PEM of a key or certificate' },
      publicKey: {
        type: 'object',
        description: 'as in IndexQuery of Rekor v1, or a text: content of format x509',
      },
      serial: { ...texts, description: 'of the certificate, in hex' },
      kind: texts,
      log: {
        type: 'string',
        enum: ['rekor-v1', 'rekor-v2'],
        description:
          'of that log alone, of Rekor v2 with those that follow it; default: of every Rekor log in the database',
      },
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
        maxLength: 2048,
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
    required: ['entries', 'indexed', 'logs'],
    additionalProperties: false,
    properties: {
      entries: {
        type: 'array',
        maxItems: 100,
        items: {
          type: 'object',
          required: [
            'log',
            'origin',
            'logIndex',
            'leafHash',
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
            log: { type: 'string' },
            origin: { type: 'string', description: 'of the shard, as its checkpoints have it' },
            entryID: {
              type: 'string',
              pattern: '^[0-9a-fA-F]{80}$',
              description: 'of Rekor v1; entries of v2 are read by tile',
            },
            logIndex: { ...index, description: 'of Rekor v1 over all shards, of v2 in the shard' },
            leafHash: hex64,
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
      indexed: { ...index, description: 'so many entries can be found, over all logs' },
      logs: {
        type: 'array',
        description: 'that were searched, and how many entries of each can be found',
        items: {
          type: 'object',
          required: ['log', 'indexed'],
          additionalProperties: false,
          properties: { log: { type: 'string' }, indexed: index },
        },
      },
      next: {
        type: 'string',
        description: 'absent when nothing is left; a page may be short although more follow',
      },
    },
  },
} as const

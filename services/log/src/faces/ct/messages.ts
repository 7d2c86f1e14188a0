/** The bodies and parameters of CT's messages, as OpenAPI 3.1 describes them. */
import type { Answer, Operation, Schema } from '@sigstack/server'
import { toldLineSchema } from '../../line/told-line.ts'

export const base64: Schema = { type: 'string', contentEncoding: 'base64' }
const count: Schema = { type: 'integer' }
const listOf = (items: Schema): Schema => ({ type: 'array', items })
const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` })

const json = (name: string, description: string): Answer => ({
  description,
  content: { 'application/json': { schema: ref(name) } },
})
export const plain = (description: string, example: string): Answer => ({
  description,
  content: { 'text/plain': { example } },
})

const badRequest: Answer = plain(
  'A parameter or the body is not good',
  'Bad Request\nstart must not be greater than end\n',
)
export const notFound: Answer = plain(
  'There is no such entry',
  'Not Found\nno entry of this hash is in a tree of that size\n',
)
const busy = plain('The log cannot answer now; Retry-After says when to ask again', 'Service Unavailable\n')

export const asked = (name: string, description: string, schema: Schema = count) => ({
  name,
  in: 'query',
  required: true,
  description,
  schema,
})

export const submission = (summary: string): Operation => ({
  summary,
  requestBody: {
    description: 'The chain, leaf first; the last one may leave out the root.',
    content: { 'application/json': { schema: ref('Chain') } },
  },
  responses: {
    200: json('Sct', 'The promise of the log'),
    400: badRequest,
    403: plain('The log takes no entries any more', 'Forbidden\n'),
    413: plain('The body, or the entry, is too large', 'Payload Too Large\n'),
    429: plain('Too many from this address; Retry-After says when to come again', 'Too Many Requests\n'),
    503: busy,
  },
})

export const read = (
  summary: string,
  answer: string,
  parameters: Operation['parameters'] = [],
  more: Operation['responses'] = {},
): Operation => ({
  summary,
  parameters,
  responses: {
    200: json(answer, 'The answer'),
    ...(parameters.length > 0 && { 400: badRequest }),
    ...more,
    503: busy,
  },
})

export const schemas: Readonly<Record<string, Schema>> = {
  Line: toldLineSchema,
  Chain: {
    type: 'object',
    required: ['chain'],
    properties: { chain: listOf(base64) },
    example: { chain: ['MIICvzCCAkWgAwIBAgIU…', 'MIICGjCCAaGgAwIBAgIU…'] },
  },
  Sct: {
    type: 'object',
    description: 'A signed certificate timestamp (section 3.2)',
    required: ['sct_version', 'id', 'timestamp', 'extensions', 'signature'],
    properties: {
      sct_version: { const: 0 },
      id: { ...base64, description: 'SHA-256 of the key of the log' },
      timestamp: { type: 'integer', description: 'milliseconds since 1970' },
      extensions: base64,
      signature: { ...base64, description: 'a digitally-signed struct' },
    },
    example: {
      sct_version: 0,
      id: '3T0wasbHETJjGR4cmWc3AqJKXrjePK3/h4pygC8p7o4=',
      timestamp: 1772366400000,
      extensions: '',
      signature: 'BAMARzBFAiEA…',
    },
  },
  TreeHead: {
    type: 'object',
    required: ['tree_size', 'timestamp', 'sha256_root_hash', 'tree_head_signature'],
    properties: {
      tree_size: count,
      timestamp: { type: 'integer', description: 'milliseconds since 1970' },
      sha256_root_hash: base64,
      tree_head_signature: base64,
    },
    example: {
      tree_size: 42,
      timestamp: 1772366400000,
      sha256_root_hash: 'qINS1GRFhWHwdkUeqLEoP4yEMkTBBzxBkGwGQlVlVcs=',
      tree_head_signature: 'BAMARjBEAiB…',
    },
  },
  ConsistencyProof: {
    type: 'object',
    required: ['consistency'],
    properties: { consistency: listOf(base64) },
  },
  InclusionProof: {
    type: 'object',
    required: ['leaf_index', 'audit_path'],
    properties: { leaf_index: count, audit_path: listOf(base64) },
  },
  Entries: { type: 'object', required: ['entries'], properties: { entries: listOf(ref('Entry')) } },
  Entry: {
    type: 'object',
    required: ['leaf_input', 'extra_data'],
    properties: {
      leaf_input: { ...base64, description: 'MerkleTreeLeaf' },
      extra_data: { ...base64, description: 'the chain' },
    },
    example: { leaf_input: 'AAAAAAGVUg…', extra_data: 'AAMHAAMEMIIC…' },
  },
  EntryAndProof: {
    type: 'object',
    required: ['leaf_input', 'extra_data', 'audit_path'],
    properties: { leaf_input: base64, extra_data: base64, audit_path: listOf(base64) },
  },
  Roots: {
    type: 'object',
    required: ['certificates'],
    properties: { certificates: listOf(base64) },
    example: { certificates: ['MIIB+DCCAX6gAwIBAgIT…'] },
  },
}

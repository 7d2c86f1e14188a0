/** What the API looks like, as OpenAPI 3.1: for people and generators. The contract itself is C2SP's tlog-witness. */
import { type ApiDocument, commonPaths, problem, problemSchema } from '@sigstack/server'
import { version } from '@sigstack/server/version'

const lines = { 'text/plain': { schema: { type: 'string' } } }
const json = { 'application/json': { schema: { type: 'object' } } }

export const openApi: ApiDocument = {
  openapi: '3.1.0',
  info: {
    title: 'sigstack witness',
    version,
    description: 'Cosigns checkpoints of transparency logs (C2SP tlog-witness).',
  },
  paths: {
    '/add-checkpoint': {
      post: {
        summary: 'Cosigns a checkpoint that extends what was cosigned before',
        requestBody: { required: true, content: lines },
        responses: {
          200: { description: 'Signature lines', content: lines },
          400: problem('The body is no submission, or its old size is larger than the tree'),
          403: problem('No known key of the log has signed'),
          404: problem('The log is not known here'),
          409: {
            description: 'Another size was cosigned last: this one',
            content: { 'text/x.tlog.size': { schema: { type: 'string' } } },
          },
          413: problem('The body is too large'),
          422: problem('The checkpoint does not extend what was cosigned before'),
          503: problem('Too many submissions at once, or the database does not answer'),
        },
      },
    },
    '/{originHash}/checkpoint': {
      get: {
        summary: 'The newest cosigned checkpoint of a log',
        parameters: [
          {
            name: 'originHash',
            in: 'path',
            required: true,
            description: 'SHA-256 of the origin line, 64 lower-case hexadecimal digits',
            schema: { type: 'string' },
          },
        ],
        responses: {
          200: { description: 'The checkpoint with its cosignatures', content: lines },
          404: problem('Nothing of such a log was cosigned'),
        },
      },
    },
    '/witness.v0.json': {
      get: {
        summary: 'Name and keys of the witness',
        responses: { 200: { description: 'JSON', content: json } },
      },
    },
    '/logs.v0.json': {
      get: {
        summary: 'What was cosigned last of each log',
        responses: { 200: { description: 'JSON', content: json } },
      },
    },
    ...commonPaths,
  },
  components: { schemas: { Problem: problemSchema } },
}

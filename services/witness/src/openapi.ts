/** What the API looks like, as OpenAPI 3.1: for people and generators. The contracts themselves are C2SP's. */
import { type ApiDocument, commonPaths, problem, problemSchema } from '@sigstack/server'
import { version } from '@sigstack/server/version'

const lines = { 'text/plain': { schema: { type: 'string' } } }
const json = { 'application/json': { schema: { type: 'object' } } }
const bytes = { 'application/octet-stream': { schema: { type: 'string' } } }
const mirrorInfo = { 'text/x.tlog.mirror-info': { schema: { type: 'string' } } }
const originHash = {
  name: 'originHash',
  in: 'path',
  required: true,
  description: 'SHA-256 of the origin line, 64 lower-case hexadecimal digits',
  schema: { type: 'string' },
}

export const openApi: ApiDocument = {
  openapi: '3.1.0',
  info: {
    title: 'sigstack witness',
    version,
    description:
      'Cosigns checkpoints of transparency logs (C2SP tlog-witness), and keeps copies of logs (C2SP tlog-mirror).',
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
    '/sign-subtree': {
      post: {
        summary: 'Signs a subtree of a checkpoint that was cosigned here',
        requestBody: { required: true, content: lines },
        responses: {
          200: { description: 'Signature lines by ML-DSA-44, with no time', content: lines },
          400: problem('The body is no such request, or names no subtree of the checkpoint'),
          403: problem('No key of the witness that signs subtrees has cosigned the checkpoint'),
          404: problem('The log is not known here'),
          413: problem('The body is too large'),
          422: problem('The proof does not lead from the subtree to the checkpoint'),
          503: problem('Too many requests at once'),
        },
      },
    },
    '/add-entries': {
      post: {
        summary: 'Keeps entries that are proven to be in a submitted tree; where WITNESS_MIRROR_NAME is set',
        requestBody: { required: true, content: bytes },
        responses: {
          200: { description: 'All of the tree is here: signature lines of the mirror', content: lines },
          202: { description: 'Some was kept; the body says where to go on', content: mirrorInfo },
          400: problem('The body is no upload, or ends before its first package does'),
          404: problem('The log is not known here'),
          409: { description: 'It does not fit; the body says where to go on', content: mirrorInfo },
          422: problem('No checkpoint was submitted yet, or an entry is not in the tree'),
          503: problem('Too many uploads at once, or the database does not answer'),
        },
      },
    },
    '/mirror/{originHash}/checkpoint': {
      get: {
        summary: 'The mirror checkpoint: all of its entries are here',
        parameters: [originHash],
        responses: {
          200: { description: 'The checkpoint with its cosignatures', content: lines },
          404: problem('There is no whole copy of such a log'),
        },
      },
    },
    '/mirror/{originHash}/tile/{path}': {
      get: {
        summary: 'Hash tiles and entry bundles of the copy (C2SP tlog-tiles)',
        parameters: [
          originHash,
          {
            name: 'path',
            in: 'path',
            required: true,
            description: 'LEVEL/INDEX or entries/INDEX, with .p/WIDTH for a partial one',
            schema: { type: 'string' },
          },
        ],
        responses: {
          200: { description: 'The tile', content: bytes },
          404: problem('The mirror checkpoint has no such tile'),
        },
      },
    },
    '/{originHash}/checkpoint': {
      get: {
        summary: 'The newest cosigned checkpoint of a log',
        parameters: [originHash],
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

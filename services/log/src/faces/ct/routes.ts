/** Every route of CT's dialect, once: what is served, what other methods are told, and the description follow from here. */
import { toldLineOperation } from '../../line/told-line.ts'
import { asked, base64, notFound, plain, read, submission } from './messages.ts'
import {
  getEntries,
  getEntryAndProof,
  getLine,
  getProofByHash,
  getSth,
  getSthConsistency,
  publicKey,
} from './read.ts'
import type { Route } from './route.ts'
import { getIssuer } from './static.ts'
import { addChain, addPreChain, getRoots } from './submit.ts'

/** Of logs that follow the first one. */
export const laterPrefix = '/:shard'

export const routes: readonly Route[] = [
  {
    method: 'POST',
    path: '/ct/v1/add-chain',
    handler: addChain,
    description: submission('Logs a certificate'),
  },
  {
    method: 'POST',
    path: '/ct/v1/add-pre-chain',
    handler: addPreChain,
    description: submission('Logs a precertificate'),
  },
  {
    method: 'GET',
    path: '/ct/v1/get-sth',
    handler: getSth,
    description: read('The newest signed tree head', 'TreeHead'),
  },
  {
    method: 'GET',
    path: '/ct/v1/get-sth-consistency',
    handler: getSthConsistency,
    description: read('That one tree head extends another', 'ConsistencyProof', [
      asked('first', 'size of the smaller tree'),
      asked('second', 'size of the larger tree'),
    ]),
  },
  {
    method: 'GET',
    path: '/ct/v1/get-proof-by-hash',
    handler: getProofByHash,
    description: read(
      'That an entry is in a tree',
      'InclusionProof',
      [asked('hash', 'leaf hash, in base64', base64), asked('tree_size', 'size of the tree')],
      { 404: notFound },
    ),
  },
  {
    method: 'GET',
    path: '/ct/v1/get-entries',
    handler: getEntries,
    description: read('A range of entries; it may be cut short', 'Entries', [
      asked('start', 'index of the first'),
      asked('end', 'index of the last'),
    ]),
  },
  {
    method: 'GET',
    path: '/ct/v1/get-entry-and-proof',
    handler: getEntryAndProof,
    description: read(
      'An entry with its proof',
      'EntryAndProof',
      [asked('leaf_index', 'of the entry'), asked('tree_size', 'size of the tree')],
      { 404: notFound },
    ),
  },
  {
    method: 'GET',
    path: '/ct/v1/get-roots',
    handler: getRoots,
    description: read('The roots under which chains are taken', 'Roots'),
  },
  {
    method: 'GET',
    path: '/issuer/:fingerprint',
    handler: getIssuer,
    description: {
      summary: 'An issuer of certificates in the log (C2SP static-ct-api)',
      parameters: [
        {
          name: 'fingerprint',
          in: 'path',
          required: true,
          description: 'SHA-256 of the certificate in DER, in lower-case hex',
          schema: { type: 'string' },
        },
      ],
      responses: {
        200: { description: 'The certificate in DER', content: { 'application/pkix-cert': {} } },
        404: plain('No entry has such an issuer', 'not found\n'),
      },
    },
  },
  { method: 'GET', path: '/shards', handler: getLine, description: toldLineOperation },
  {
    method: 'GET',
    path: '/publicKey',
    handler: publicKey,
    description: {
      summary: 'The key of the log',
      responses: {
        200: {
          description: 'PEM',
          content: {
            'application/x-pem-file': {
              example: '-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYI…\n-----END PUBLIC KEY-----\n',
            },
          },
        },
      },
    },
  },
]

/** Those of RFC 6962, which refuse other methods. */
export const rfcRoutes = routes.filter(({ path }) => path.startsWith('/ct/v1/'))

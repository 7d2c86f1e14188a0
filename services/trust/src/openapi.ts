/** What the API looks like, as OpenAPI 3.1: the files are its answers. */
import { type ApiDocument, commonPaths, type Operation, problem, problemSchema } from '@sigstack/server'
import { version } from '@sigstack/server/version'
import { servedFiles } from './routes/published-files.ts'
import { repositoryPath } from './routes/repository-files.ts'

const pemExample =
  '-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE…\n-----END PUBLIC KEY-----\n'
const notYet = problem('The keys of the services are not collected yet; Retry-After says when to ask again')
const missing = problem('There is no such file')

const pem: Operation['responses'][string] = {
  description: 'PEM',
  content: { 'application/x-pem-file': { example: pemExample } },
}

const schemaOf: Readonly<Record<string, string>> = {
  trustedRoot: 'TrustedRoot',
  signingConfig: 'SigningConfig',
  signingConfigV2: 'SigningConfig',
  clientTrustConfig: 'ClientTrustConfig',
}

/** Files have strong validators: with If-None-Match a file that is known is 304. */
function fileOperation({ name, about }: (typeof servedFiles)[number]): Operation {
  const schema = schemaOf[name]
  const file =
    schema === undefined
      ? pem
      : {
          description: 'The file',
          content: { 'application/json': { schema: { $ref: `#/components/schemas/${schema}` } } },
        }
  return { summary: about, responses: { 200: file, 304: { description: 'As known' }, 503: notYet } }
}

const named = (name: string) => ({
  name,
  in: 'path',
  required: true,
  schema: { type: 'string' },
})

const repositoryPaths: ApiDocument['paths'] = {
  [`${repositoryPath}/{path}`]: {
    get: {
      summary: 'The TUF repository: root.json, timestamp.json, numbered metadata, and targets',
      parameters: [{ ...named('path'), description: 'for example timestamp.json or 1.root.json' }],
      responses: {
        200: { description: 'The file', content: { 'application/json': {} } },
        304: { description: 'As known' },
        404: missing,
        503: notYet,
      },
    },
  },
}

export function openApiOf(hasRepository: boolean): ApiDocument {
  return {
    openapi: '3.1.0',
    info: {
      title: 'sigstack trust',
      version,
      description: 'What clients verify against and where they sign: files at stable URLs.',
    },
    paths: {
      ...Object.fromEntries(servedFiles.map((file) => [file.path, { get: fileOperation(file) }])),
      '/keys/{name}': {
        get: {
          summary: 'A key that was ever published, by a name that it keeps',
          parameters: [named('name')],
          responses: { 200: pem, 304: { description: 'As known' }, 404: missing, 503: notYet },
        },
      },
      ...(hasRepository && repositoryPaths),
      '/': {
        get: {
          summary: 'The list of the files, as a page where the Accept header has text/html',
          responses: {
            200: { description: 'JSON or HTML', content: { 'application/json': {}, 'text/html': {} } },
          },
        },
      },
      ...commonPaths,
    },
    components: {
      schemas: {
        TrustedRoot: {
          type: 'object',
          description: 'TrustedRoot of sigstore protobuf-specs, as ProtoJSON',
          properties: {
            mediaType: { type: 'string' },
            tlogs: { type: 'array', items: { type: 'object' }, description: 'transparency logs' },
            certificateAuthorities: { type: 'array', items: { type: 'object' } },
            ctlogs: { type: 'array', items: { type: 'object' }, description: 'certificate logs' },
            timestampAuthorities: { type: 'array', items: { type: 'object' } },
          },
          example: {
            mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
            tlogs: [
              {
                baseUrl: 'https://rekor.example.org',
                hashAlgorithm: 'SHA2_256',
                publicKey: {
                  rawBytes: 'MFkwEwYHKoZIzj0CAQYI…',
                  keyDetails: 'PKIX_ECDSA_P256_SHA_256',
                  validFor: { start: '2026-03-01T12:00:00Z' },
                },
                logId: { keyId: '0y8wo8MtY5wrdiIFohx7…' },
              },
            ],
            certificateAuthorities: [],
            ctlogs: [],
            timestampAuthorities: [],
          },
        },
        SigningConfig: {
          type: 'object',
          description: 'SigningConfig of sigstore protobuf-specs, as ProtoJSON',
          properties: {
            mediaType: { type: 'string' },
            caUrls: { type: 'array', items: { type: 'object' } },
            oidcUrls: { type: 'array', items: { type: 'object' } },
            rekorTlogUrls: { type: 'array', items: { type: 'object' } },
          },
          example: {
            mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.2+json',
            caUrls: [
              {
                url: 'https://fulcio.example.org',
                majorApiVersion: 1,
                validFor: { start: '2026-03-01T12:00:00Z' },
                operator: 'example.org',
              },
            ],
            oidcUrls: [],
            rekorTlogUrls: [],
          },
        },
        ClientTrustConfig: {
          type: 'object',
          properties: {
            mediaType: { type: 'string' },
            trustedRoot: { $ref: '#/components/schemas/TrustedRoot' },
            signingConfig: { $ref: '#/components/schemas/SigningConfig' },
          },
        },
        Problem: problemSchema,
      },
    },
  }
}

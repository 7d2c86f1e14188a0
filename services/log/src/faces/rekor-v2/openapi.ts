/** What the API looks like, as OpenAPI 3.1; docs/dialects/rekor-v2.md lists every deviation from upstream's. */
import { type ApiDocument, commonPaths, type Operation } from '@sigstack/server'
import { version } from '@sigstack/server/version'
import { plain, schemas } from './messages.ts'
import { routes, shardParameter, shardPrefix, tilePrefixes } from './routes.ts'

const checkpoint: Operation = {
  summary: 'The newest tree head as a signed note (C2SP)',
  responses: {
    200: plain(
      'The note',
      'log2026-1.rekor.example.org\n42\nqINS1GRFhWHwdkUeqLEoP4yE…\n\n— log2026-1.rekor.example.org Nua5…\n',
    ),
  },
}

const tile: Operation = {
  summary: 'Hashes and entries by tile (C2SP tlog-tiles)',
  parameters: [
    {
      name: 'path',
      in: 'path',
      required: true,
      description: 'for example 0/000 or entries/000.p/42',
      schema: { type: 'string' },
    },
  ],
  responses: {
    200: { description: 'The tile', content: { 'application/octet-stream': {} } },
    404: plain('There is no such tile', 'not found\n'),
  },
}

export const openApi: ApiDocument = {
  openapi: '3.1.0',
  info: {
    title: 'sigstack Rekor v2 log',
    version,
    description: 'A transparency log with the HTTP interface of Rekor v2, and its tiles.',
  },
  paths: {
    ...commonPaths,
    ...Object.fromEntries(
      [...Map.groupBy(routes, ({ path }) => path)].map(([path, methods]) => [
        described(path),
        Object.fromEntries(methods.map(({ method, description }) => [method.toLowerCase(), description])),
      ]),
    ),
    ...Object.fromEntries(
      tilePrefixes.flatMap((prefix) => [
        [`${prefix}/checkpoint`, { get: checkpoint }],
        [`${prefix}/tile/{path}`, { get: tile }],
      ]),
    ),
    ...Object.fromEntries(
      [['/checkpoint', checkpoint] as const, ['/tile/{path}', tile] as const].map(([path, operation]) => [
        described(`${shardPrefix}${path}`),
        { get: { ...operation, parameters: [shardParameter, ...(operation.parameters ?? [])] } },
      ]),
    ),
  },
  components: { schemas },
}

function described(path: string): string {
  return path.replace(':shard', '{shard}')
}

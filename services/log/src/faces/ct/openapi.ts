/** What the API looks like, as OpenAPI 3.1; the contract itself is RFC 6962 section 4 and docs/dialects/ct.md. */
import { type ApiDocument, commonPaths, type Operation } from '@sigstack/server'
import { version } from '@sigstack/server/version'
import { plain, schemas } from './messages.ts'
import { laterPrefix, routes } from './routes.ts'

/** `pathPrefix` is part of every path, as `/2026`; logs that follow have another one there. */
export function openApiOf(pathPrefix: string): ApiDocument {
  return {
    openapi: '3.1.0',
    info: {
      title: 'sigstack CT log',
      version,
      description: 'The certificate transparency log of RFC 6962, and its tiles.',
    },
    paths: { ...pathsOf(pathPrefix), ...pathsOf(laterPrefix, later), ...commonPaths },
    components: { schemas },
  }
}

const later = [
  {
    name: 'shard',
    in: 'path',
    required: true,
    description: 'of a log that follows the first one, such as 2027',
    schema: { type: 'string' },
  },
] as const

function pathsOf(
  prefix: string,
  parameters: NonNullable<Operation['parameters']> = [],
): ApiDocument['paths'] {
  const named = (path: string) => `${prefix}${path}`.replaceAll(/:([a-z]+)/g, '{$1}')
  const withLog = (operation: Operation): Operation =>
    parameters.length === 0
      ? operation
      : { ...operation, parameters: [...parameters, ...(operation.parameters ?? [])] }
  return {
    ...Object.fromEntries(
      routes.map(({ path, method, description }) => [
        named(path),
        { [method.toLowerCase()]: withLog(description) },
      ]),
    ),
    [named('/checkpoint')]: {
      get: withLog(checkpoint),
    },
    [named('/tile/{path}')]: { get: withLog(tile) },
  }
}

const checkpoint: Operation = {
  summary: 'The newest tree head as a signed note (C2SP)',
  responses: {
    200: plain('The note', `ct.example.org\n42\nqINS1GRFhWHwdkUeqLEoP4yE…\n\n— ct.example.org Nua5…\n`),
  },
}

const tile: Operation = {
  summary: 'Hashes and entries by tile (C2SP tlog-tiles, static-ct-api)',
  parameters: [
    {
      name: 'path',
      in: 'path',
      required: true,
      description: 'for example 0/000, entries/000.p/42 or data/000.p/42',
      schema: { type: 'string' },
    },
  ],
  responses: {
    200: { description: 'The tile', content: { 'application/octet-stream': {} } },
    404: plain('There is no such tile', 'Not Found\n'),
  },
}

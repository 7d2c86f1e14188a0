/** The description of the API that `/swagger.json` serves and `/docs` renders: OpenAPI 3.1. A test holds every answer against it. */
import type { ApiDocument, Operation } from '@sigstack/server'
import { schemas } from './messages.ts'
import { examples } from './openapi-examples.ts'
import { routes, upstreamPath } from './routes.ts'

const paths: Record<string, Record<string, Operation>> = {}
for (const { id, method, path, description } of routes)
  (paths[upstreamPath(path)] ??= {})[method.toLowerCase()] = { operationId: id, ...description }

export const openapi = {
  openapi: '3.1.0',
  info: {
    title: 'Rekor',
    version: '1.0.0',
    description: 'A transparency log with the HTTP interface of Rekor v1, and a search of its own.',
  },
  paths,
  components: { schemas },
} satisfies ApiDocument

/** Of the log of that host, with examples. */
export function openApiOf(hostname: string): ApiDocument {
  const exemplified = Object.entries(schemas).map(([name, schema]) => [
    name,
    { ...schema, example: examples[name] },
  ])
  return {
    ...openapi,
    info: { ...openapi.info, title: `Transparency log ${hostname}` },
    components: { schemas: Object.fromEntries(exemplified) },
  }
}

/** What the API looks like, as OpenAPI 3.1: for people and generators. The contract itself is docs/dialects/fulcio.md. */
import type { ApiDocument } from '@sigstack/server'
import { version } from '@sigstack/server/version'
import { json, schemas } from './messages.ts'
import { routes } from './routes.ts'

export const openApi: ApiDocument = {
  openapi: '3.1.0',
  info: {
    title: 'sigstack CA',
    version,
    description:
      'Short-lived certificates for identity tokens, in the dialect of Fulcio. Field names may also be given in snake_case, null means unset, unknown fields are dropped.',
  },
  paths: {
    ...Object.fromEntries(
      routes.map(({ path, method, description }) => [path, { [method.toLowerCase()]: description }]),
    ),
    '/readyz': {
      get: {
        summary: 'The CA could issue now',
        responses: { 200: json('Readiness', 'It could'), 503: json('Readiness', 'It could not, and why') },
      },
    },
    '/metrics': {
      get: {
        summary: 'Metrics for Prometheus, unless they have a port of their own',
        responses: {
          200: { description: 'Metrics', content: { 'text/plain': { schema: { type: 'string' } } } },
        },
      },
    },
  },
  components: {
    securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
    schemas,
  },
}

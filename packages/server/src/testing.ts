import type { FastifyInstance } from 'fastify'
import type { ApiDocument } from './api-page/document.ts'
import { registeredRoutes } from './api-page/registered-routes.ts'
import { apiDocumentPath } from './api-page/serve.ts'

/** Routes of `app` that its own description does not have, as `GET /path/{name}`; a star is `{path}` there. */
export async function undocumentedRoutes(app: FastifyInstance): Promise<string[]> {
  const { paths } = (await app.inject(apiDocumentPath)).json<ApiDocument>()
  const known = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  )
  return registeredRoutes(app)
    .filter((route) => /^(?:GET|POST) /.test(route))
    .map((route) => route.replaceAll(/:(\w+)/g, '{$1}').replace('*', '{path}'))
    .filter((route) => !known.includes(route))
}

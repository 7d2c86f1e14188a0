import type { FastifyInstance } from 'fastify'

const registered = new WeakMap<FastifyInstance, Set<string>>()

/** Keeps the list of what is registered on `app` from now on. */
export function noteRoutes(app: FastifyInstance): void {
  const routes = new Set<string>()
  registered.set(app, routes)
  app.addHook('onRoute', ({ method, url }) => {
    // What is registered for many methods at once refuses them all.
    if (typeof method === 'string') routes.add(`${method} ${url}`)
  })
}

/** As `GET /path/:name`, of an app that `buildServer` made. */
export function registeredRoutes(app: FastifyInstance): readonly string[] {
  return [...(registered.get(app) ?? [])]
}

/** What follows from the table of routes. */
import t from 'tap'
import { openApi } from '../src/fulcio/http/openapi.ts'
import { routes } from '../src/fulcio/http/routes.ts'
import { startHarness } from './support/harness.ts'

t.test('each route is served, described, and counted as its call; other methods are refused', async (t) => {
  const { app, stop } = await startHarness()
  t.teardown(stop)
  t.equal(new Set(routes.map(({ id }) => id)).size, routes.length, 'each has a name of its own')
  for (const { method, path, name, description } of routes) {
    const { statusCode } = await app.inject({ method, url: path })
    t.equal(statusCode, method === 'GET' ? 200 : 400, path)
    t.equal((await app.inject({ method: 'PUT', url: path })).statusCode, 501, path)
    t.same(openApi.paths[path], { [method.toLowerCase()]: description }, path)
    const counted = `grpc_server_started_total{grpc_type="unary",grpc_service="${name.service}",grpc_method="${name.method}"} 1\n`
    t.ok((await app.inject('/metrics')).body.includes(counted), path)
  }
})

import { createRegistry } from '@sigstack/server'
import { undocumentedRoutes } from '@sigstack/server/testing'
import t from 'tap'
import { type AppDependencies, buildApp } from '../src/app.ts'

t.test('the description of the API has every route', async (t) => {
  // Nothing is asked for but descriptions.
  const dependencies = {
    logger: false,
    metrics: createRegistry({ processMetrics: false }),
  } as AppDependencies
  const app = buildApp(dependencies)
  t.teardown(() => app.close())
  t.same(await undocumentedRoutes(app), [])
  t.match((await app.inject('/docs')).body, '/v1/discovery')
  t.match((await app.inject('/')).body, 'href="/v1/issuers"')
})

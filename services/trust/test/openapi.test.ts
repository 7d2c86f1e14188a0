import { createRegistry } from '@sigstack/server'
import { undocumentedRoutes } from '@sigstack/server/testing'
import t from 'tap'
import { buildApp } from '../src/app.ts'

t.test('the description of the API has every route, with and without a repository', async (t) => {
  const publisher = { current: () => undefined, trouble: () => undefined }
  const repository = { isPublished: () => false, newest: async () => 1 }
  for (const tuf of [undefined, { folder: t.testdir(), repository }]) {
    const registry = createRegistry({ processMetrics: false })
    const app = buildApp({ publisher, logger: false, registry, ...(tuf && { tuf }) })
    t.teardown(() => app.close())
    t.same(await undocumentedRoutes(app), [])
    const { body } = await app.inject('/docs')
    t.match(body, '/trusted_root.json')
    t.equal(body.includes('/tuf/{path}'), tuf !== undefined)
    const index = await app.inject({ url: '/', headers: { accept: 'text/html' } })
    t.match(index.body, 'href="/docs"')
  }
})

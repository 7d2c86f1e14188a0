import t from 'tap'
import { type ApiDocument, buildServer, commonPaths, serveApi } from '../src/index.ts'
import { undocumentedRoutes } from '../src/testing.ts'

const hostile = '</style><script>alert("1")</script>'

const document: ApiDocument = {
  openapi: '3.1.0',
  info: { title: `A ${hostile}`, version: '1', description: hostile },
  paths: {
    ...commonPaths,
    '/things/{name}': {
      get: {
        summary: hostile,
        parameters: [{ name: hostile, in: 'path', required: true, schema: { type: 'string' } }],
        responses: {
          200: {
            description: hostile,
            content: { 'application/json': { schema: { $ref: '#/components/schemas/Thing' } } },
          },
          404: { description: 'no such thing' },
        },
      },
    },
    '/things': { get: { summary: 'All things', responses: { 200: { description: 'a list' } } } },
  },
  components: {
    schemas: {
      Thing: {
        type: 'object',
        properties: {
          name: { type: 'string', description: hostile },
          parts: { type: 'array', items: { $ref: '#/components/schemas/Thing' } },
          size: { enum: [1, 2] },
        },
      },
    },
  },
}

t.test('a description is shown at one path, by itself and without a script', async (t) => {
  const app = buildServer({ name: 'test', logger: false })
  t.teardown(() => app.close())
  serveApi(app, document, { formerPagePaths: ['/help'], formerDocumentPaths: ['/swagger.json'] })
  for (const path of ['/', '/docs', '/help']) {
    const { statusCode, headers, body } = await app.inject(path)
    t.equal(statusCode, 200, path)
    t.match(headers['content-type'], /^text\/html/)
    t.match(headers['content-security-policy'], /default-src 'none'/)
    t.notMatch(body, /<script|<\/style>.*<\/style>| src=|href="https?:|url\(|@import/s, path)
    t.match(body, /<meta name="viewport"/)
  }
  const { body } = await app.inject('/docs')
  t.match(body, 'GET</b> <code>/things/{name}')
  t.match(body, '<a href="#Thing">Thing</a>')
  t.match(body, '<dt><code>404</code></dt><dd>no such thing</dd>')
  const targets = [...body.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id ?? '')
  for (const id of targets) t.ok(body.includes(`id="${id}"`), id)
  const index = (await app.inject('/')).body
  t.match(index, '<a href="/things">')
  t.notMatch(index, '/things/{name}', 'which no browser can follow')
  t.equal((await app.inject('/swagger.json')).body, (await app.inject('/openapi.json')).body)
})

t.test('a route that is in no description is noticed', async (t) => {
  const app = buildServer({ name: 'test', logger: false })
  t.teardown(() => app.close())
  serveApi(app, document)
  app.get('/things', async () => [])
  app.get('/things/:name', async () => 'one')
  t.same(await undocumentedRoutes(app), [])
  const other = buildServer({ name: 'test', logger: false })
  t.teardown(() => other.close())
  serveApi(other, document)
  other.post('/things', async () => 'made')
  other.get('/thing', async () => 'one')
  other.get('/things/:name/parts/*', async () => 'some')
  t.same((await undocumentedRoutes(other)).toSorted(), [
    'GET /thing',
    'GET /things/{name}/parts/{path}',
    'POST /things',
  ])
})

/** What follows from the table of routes, for each of its rows. */
import { createRegistry } from '@sigstack/server'
import t from 'tap'
import { createRekorMetrics } from '../src/faces/rekor-v1/metrics.ts'
import { routes, upstreamPath } from '../src/faces/rekor-v1/routes.ts'
import { readConfig } from '../src/index.ts'
import { json, openRekor } from './support.ts'

const ask = (method: 'GET' | 'POST', path: string) => ({
  method,
  url: path.replace(':entryUUID', '0'.repeat(64)),
  ...(method === 'POST' && { headers: json, payload: '{}' }),
})
const operations = routes.filter(({ name }) => name !== undefined)
const upstreamNames = {
  createLogEntry: 'Create Entry',
  getLogEntryByIndex: 'Get Log Entry by Index',
  getLogEntryByUUID: 'Get Log Entry by UUID',
  getLogInfo: 'Get Log Info',
  getLogProof: 'Get Log Proof',
  getPublicKey: 'Get Public Key',
  getPublicKeys: 'Get Public Keys',
  search: 'Search',
  searchIndex: 'Search Index',
  searchLogQuery: 'Search Log Query',
}

t.test('endpoints that are switched off answer 501 with the name they have upstream', async (t) => {
  const rekor = await openRekor(t, { settings: { enabledEndpoints: ['getLogInfo'] } })
  for (const { id, method, path, name } of operations) {
    const answer = await rekor.app.inject(ask(method, path))
    const message = `${name} API not enabled in this Rekor instance`
    if (id === 'getLogInfo') t.equal(answer.statusCode, 200)
    else t.same(answer.json(), { code: 501, message }, path)
  }
  t.equal((await rekor.app.inject('/ping')).statusCode, 200)
  t.equal((await rekor.app.inject({ method: 'HEAD', url: '/api/v1/log/publicKey' })).statusCode, 501)
  t.same(Object.fromEntries(operations.map(({ id, name }) => [id, name])), upstreamNames)
})

t.test('LOG_ENABLED_ENDPOINTS takes the IDs of the table and no others', (t) => {
  const read = (endpoints: string) =>
    readConfig({
      LOG_FACE: 'rekor-v1',
      LOG_HOSTNAME: 'rekor.example.org',
      DATABASE_URL: 'postgres://127.0.0.1/none',
      LOG_KEY: 'log.key',
      LOG_ENABLED_ENDPOINTS: endpoints,
    }).face
  const enabledEndpoints = Object.keys(upstreamNames)
  t.match(read(enabledEndpoints.join(', ')), { enabledEndpoints })
  t.throws(() => read('ping'), { message: /LOG_ENABLED_ENDPOINTS: "ping" is none of getLogInfo, / })
  t.end()
})

t.test('each route is described under its ID and counted by its path and method', async (t) => {
  const registry = createRegistry({ processMetrics: false })
  const metrics = createRekorMetrics(registry, '1.2.3')
  const rekor = await openRekor(t, { prepare: metrics.measure })
  const { paths } = (await rekor.app.inject('/openapi.json')).json()
  for (const { id, method, path, name, description } of routes) {
    const described = paths[upstreamPath(path)][method.toLowerCase()]
    t.match(described, { operationId: description.operationId ?? id, summary: description.summary })
    const { statusCode } = await rekor.app.inject(ask(method, path))
    const counted = `rekor_qps_by_api{path="${upstreamPath(path)}",method="${method}",code="${statusCode}"} 1\n`
    t.equal((await registry.metrics()).includes(counted), name !== undefined, counted)
  }
})

t.test('another method is told which ones the path takes', async (t) => {
  const rekor = await openRekor(t)
  for (const { path } of operations) {
    const allowed = operations.filter((route) => route.path === path).map(({ method }) => method)
    const { statusCode, headers } = await rekor.app.inject({ ...ask('GET', path), method: 'DELETE' })
    t.match({ statusCode, headers }, { statusCode: 405, headers: { allow: allowed.toSorted().join(',') } })
  }
  t.equal((await rekor.app.inject({ method: 'DELETE', url: '/ping' })).statusCode, 404)
})

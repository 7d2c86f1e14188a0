/** `--k8s-keychain`: credentials for a registry out of a cluster, which a server of this process plays. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { startRegistry } from './registries.ts'
import { runCommand } from './support.ts'

const basic = (text: string) => Buffer.from(text).toString('base64')
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
const tokenOf = (sub: string) => `${part({ alg: 'none' })}.${part({ sub })}.sig`
const account = tokenOf('system:serviceaccount:builds:signer')

/** A registry that shows itself to one user alone. */
async function startClosedRegistry(t: Test) {
  let isOpen = true
  const registry = await startRegistry(t, {
    intercept: (request, response) => {
      if (isOpen || request.headers.authorization === `Basic ${basic('robot:s3cret')}`) return false
      response.writeHead(401, { 'www-authenticate': 'Basic realm="here"' }).end()
      return true
    },
  })
  const { tag } = await registry.push('app')
  isOpen = false
  return { ...registry, tag }
}

async function startCluster(t: Test, answers: Readonly<Record<string, unknown>>) {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    const found =
      request.headers.authorization === `Bearer ${account}` ? answers[request.url ?? ''] : undefined
    response.writeHead(found === undefined ? 403 : 200, { 'content-type': 'application/json' })
    response.end(typeof found === 'string' ? found : JSON.stringify(found ?? {}))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close().closeAllConnections())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

function kubeconfig(server: string, token: string): string {
  return JSON.stringify({
    'current-context': 'here',
    contexts: [{ name: 'here', context: { cluster: 'c', user: 'u' } }],
    clusters: [{ name: 'c', cluster: { server } }],
    users: [{ name: 'u', user: { token } }],
  })
}

t.test('the pull secrets of the service account open a registry', async (t) => {
  const registry = await startClosedRegistry(t)
  const auths = { [registry.host]: { auth: basic('robot:s3cret') } }
  const base = '/api/v1/namespaces/builds'
  for (const data of [
    { '.dockerconfigjson': basic(JSON.stringify({ auths })) },
    { '.dockercfg': basic(JSON.stringify(auths)) },
  ]) {
    const cluster = await startCluster(t, {
      [`${base}/serviceaccounts/signer`]: { imagePullSecrets: [{ name: 'pull' }] },
      [`${base}/secrets/pull`]: { data },
    })
    const folder = t.testdir({ config: kubeconfig(cluster.url, account) })
    const environment = { KUBECONFIG: `${folder}/config`, DOCKER_CONFIG: folder }
    const found = await runCommand(['tree', '--k8s-keychain', registry.tag], environment)
    t.equal(found.status, 0, found.err)
    t.same(cluster.asked, [`${base}/serviceaccounts/signer`, `${base}/secrets/pull`], 'asked once')
    t.match(await runCommand(['tree', registry.tag], environment), { status: 1 })
  }
})

t.test('what a cluster refuses is told, and nobody is asked where none is named', async (t) => {
  const registry = await startClosedRegistry(t)
  const tree = (environment: Readonly<Record<string, string>>) =>
    runCommand(['tree', '--k8s-keychain', registry.tag], { DOCKER_CONFIG: t.testdirName, ...environment })
  t.match(await tree({}), { status: 1, err: /^Error: / })
  const odd = await startCluster(t, { '/api/v1/namespaces/builds/serviceaccounts/signer': '[' })
  const empty = await startCluster(t, {})
  for (const [server, token, says] of [
    [empty.url, account, /serviceaccounts\/signer of builds may not be read \(403\)/],
    [empty.url, tokenOf('someone'), /who asks the cluster is no service account/],
    [empty.url, 'opaque', /who asks the cluster is no service account/],
    [odd.url, account, /serviceaccounts\/signer of builds is no JSON/],
    ['http://127.0.0.1:1', account, /cannot be read \(ECONNREFUSED\)/],
  ] as const) {
    const folder = t.testdir({ config: kubeconfig(server, token) })
    const { status, err } = await tree({ KUBECONFIG: `${folder}/config` })
    t.equal(status, 1)
    t.match(err, /^WARNING: the pull secrets of the cluster are not used: /)
    t.match(err, says)
  }
})

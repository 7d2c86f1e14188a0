import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import t from 'tap'
import {
  ambientCredentials,
  createRegistryClient,
  digestOf,
  type RegistryOptions,
  readTlsFiles,
} from '../src/index.ts'
import { missingRegistry, startDockerRegistry } from './docker-registry.ts'
import { fail, startFakeRegistry } from './fake-registry.ts'
import { pushImage } from './images.ts'

function open(registry: string, options: RegistryOptions = {}) {
  const patience = { delay: () => Promise.resolve() }
  return createRegistryClient({ route: 'direct', patience, ...options }).repository({
    registry,
    repository: 'team/app',
  })
}

/** A certificate for localhost that vouches for itself; the paths of its files. */
function selfSigned(folder: string, name: string) {
  const [keyFile, certFile] = [path.join(folder, `${name}.key`), path.join(folder, `${name}.pem`)]
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:localhost']
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  execFileSync('openssl', ['req', '-x509', ...curve, '-keyout', keyFile, '-out', certFile, ...subject], {
    stdio: 'ignore',
  })
  return { keyFile, certFile }
}

t.test(
  'a registry with TLS of a private CA, which asks for certificates',
  { skip: missingRegistry },
  async (t) => {
    // Beside the folder of the registry, which is emptied when it starts.
    const folder = path.join(t.testdirName, '..', 'tls')
    mkdirSync(folder, { recursive: true })
    const [server, client] = [selfSigned(folder, 'server'), selfSigned(folder, 'client')]
    const files = `certificate: ${server.certFile}, key: ${server.keyFile}, clientcas: ["${client.certFile}"]`
    const address = await startDockerRegistry(t, { http: `, tls: { ${files} }` })
    const host = address.replace('127.0.0.1', 'localhost')
    const tls = async (
      names: Parameters<typeof readTlsFiles>[0],
      environment = {},
    ): Promise<RegistryOptions> => ({
      tls: (await readTlsFiles(names, environment)) ?? {},
    })
    await t.rejects(open(host).resolve('v1'), {
      code: 'unreachable',
      message:
        /does not answer: .*SELF_SIGNED.*; if its certificate is from your own CA, give that with --registry-cacert/,
    })
    await t.rejects(open(host, await tls({ caFile: server.certFile })).resolve('v1'), {
      code: 'unreachable',
      message: /ALERT.*; if it wants a certificate of yours, give that with --registry-client-cert/,
    })
    const both = await tls({ caFile: server.certFile, ...client })
    await pushImage(open(host, both), 'tls', 'v1')
    t.equal(
      (await open(host, await tls(client, { SSL_CERT_FILE: server.certFile })).resolve('v1')).size > 0,
      true,
    )
    await t.rejects(open(address, both).resolve('v1'), { message: /ALTNAME_INVALID/ })
    const named = await tls({ caFile: server.certFile, ...client, serverName: 'localhost' })
    t.ok((await open(address, named).resolve('v1')).digest)
    t.ok((await open(address, { ...(await tls(client)), allowInsecure: true }).resolve('v1')).digest)
  },
)

t.test('from TLS nobody is led to where there is none', async (t) => {
  const pem = selfSigned(t.testdir(), 'server')
  const plain = await startFakeRegistry(t)
  const place = `http://${plain.host}/elsewhere`
  const server = createServer(
    { key: readFileSync(pem.keyFile), cert: readFileSync(pem.certFile) },
    (request, response) => {
      if (request.method === 'HEAD') fail(response, 404, 'BLOB_UNKNOWN')
      else response.writeHead(request.method === 'GET' ? 307 : 202, { location: place }).end()
    },
  ).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close().closeAllConnections())
  const { port } = server.address() as AddressInfo
  const tls = await readTlsFiles({ caFile: pem.certFile }, {})
  const repository = open(`localhost:${port}`, { ...(tls !== undefined && { tls }) })
  const words = Buffer.from('words')
  const blob = { digest: digestOf(words), size: words.length }
  const refusal = { code: 'bad_answer', message: /without TLS; nothing was sent there$/ }
  await t.rejects(repository.readBlob(blob), refusal)
  await t.rejects(
    repository.pushBlob(blob, () => words),
    refusal,
  )
  t.same(plain.asked, [])
})

t.test('a registry that wants a password', { skip: missingRegistry }, async (t) => {
  const folder = path.join(t.testdirName, '..', 'passwords')
  mkdirSync(folder, { recursive: true })
  const passwords = path.join(folder, 'htpasswd')
  // A published test vector of bcrypt: the password is U*U.
  writeFileSync(passwords, 'alice:$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW\n')
  const host = await startDockerRegistry(t, {
    sections: `auth: { htpasswd: { realm: ours, path: ${passwords} } }`,
  })
  const configured = (auth: string) => {
    writeFileSync(path.join(folder, 'config.json'), JSON.stringify({ auths: { [host]: { auth } } }))
    return ambientCredentials({ DOCKER_CONFIG: folder })
  }
  const base64 = (text: string): string => Buffer.from(text).toString('base64')
  const good = open(host, { credentials: configured(base64('alice:U*U')) })
  const image = await pushImage(good, 'secret', 'v1')
  t.equal((await good.resolve('v1')).digest, image.digest)
  await t.rejects(open(host).resolve('v1'), { code: 'unauthorized', message: /docker login/ })
  const wrong = open(host, { credentials: configured(base64('alice:guess')) })
  await t.rejects(wrong.resolve('v1'), {
    code: 'unauthorized',
    message: /does not take a user name and a password/,
  })
})

t.test('a registry that deletes nothing says so', { skip: missingRegistry }, async (t) => {
  const repository = open(await startDockerRegistry(t, { deletes: false }))
  const image = await pushImage(repository, 'kept', 'v1')
  await t.rejects(repository.deleteManifest(image.digest), {
    code: 'unsupported',
    message: /the registry has this switched off$/,
  })
})

t.test('files for TLS that are none are told by their names', async (t) => {
  const folder = t.testdir({ empty: '' })
  const file = path.join(folder, 'empty')
  t.equal(await readTlsFiles({}, {}), undefined)
  t.same(await readTlsFiles({ serverName: 'x' }, {}), { serverName: 'x' })
  await t.rejects(readTlsFiles({ caFile: file }, {}), { code: 'bad_tls', message: /empty has no block/ })
  await t.rejects(readTlsFiles({ caFile: `${file}x` }, {}), {
    code: 'bad_tls',
    message: /emptyx cannot be read: ENOENT/,
  })
  await t.rejects(readTlsFiles({ certFile: file }, {}), { code: 'bad_tls', message: /together/ })
})

t.test('another host is asked without TLS only where that is allowed', async (t) => {
  const ways = async (options: RegistryOptions): Promise<readonly string[]> => {
    const asked: string[] = []
    const proxyFor = (target: URL): string => {
      asked.push(target.protocol)
      return 'http://127.0.0.1:1'
    }
    await t.rejects(open('registry.example', { ...options, route: { proxyFor } }).resolve('v1'), {
      code: 'unreachable',
    })
    return [...new Set(asked)]
  }
  t.same(await ways({}), ['https:'])
  t.same(await ways({ allowHttp: true }), ['https:', 'http:'])
})

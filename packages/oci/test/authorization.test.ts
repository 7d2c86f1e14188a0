import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { type Credentials, createRegistryClient, digestOf, type RegistryOptions } from '../src/index.ts'
import { askForToken } from '../src/token-service.ts'
import { startFakeRegistry } from './fake-registry.ts'

type TokenAsked = {
  readonly method: string
  readonly query: URLSearchParams
  readonly authorization: string | undefined
  readonly form: URLSearchParams
}

/** Its tokens name the scopes that they are for; `answer` may say more, or something else. */
async function startTokenService(t: Test, answer: (token: string) => object = (token) => ({ token })) {
  const asked: TokenAsked[] = []
  const server = createServer((request, response) => {
    void (async () => {
      const pieces: Buffer[] = []
      for await (const piece of request) pieces.push(piece as Buffer)
      const query = new URL(request.url ?? '', 'http://token').searchParams
      const form = new URLSearchParams(Buffer.concat(pieces).toString())
      asked.push({ method: request.method ?? '', query, authorization: request.headers.authorization, form })
      const scopes = [...query.getAll('scope'), ...form.getAll('scope')].join('+').replaceAll(' ', '+')
      const token = `${scopes}#${asked.length}`
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer(token)))
    })()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close().closeAllConnections())
  return { asked, realm: `http://127.0.0.1:${(server.address() as AddressInfo).port}/token` }
}

/** A registry that takes tokens whose scopes suffice for the method. */
async function startTokenRegistry(t: Test, realm: string, isTaken: (token: string) => boolean = () => true) {
  return startFakeRegistry(t, {
    referrersApi: true,
    intercept(request, response) {
      const token = (request.headers.authorization ?? '').replace(/^Bearer /, '')
      const needed = request.method === 'GET' || request.method === 'HEAD' ? 'pull' : 'pull,push'
      if (token.includes(`repository:team/app:${needed}`) && isTaken(token)) return false
      const scope = `repository:team/app:${needed}`
      response.writeHead(401, {
        'www-authenticate': `Bearer realm="${realm}",service="registry.example",scope="${scope}"`,
      })
      response.end()
      return true
    },
  })
}

function open(registry: string, credentials?: Credentials, options: RegistryOptions = {}) {
  const name = { registry, repository: 'team/app' }
  return createRegistryClient({
    route: 'direct',
    credentials: () => Promise.resolve(credentials),
    ...options,
  }).repository(name)
}

const words = Buffer.from('words')
const blob = { digest: digestOf(words), size: words.length }

t.test('whoever has no credentials asks for a token without them', async (t) => {
  const service = await startTokenService(t)
  const fake = await startTokenRegistry(t, service.realm)
  const repository = open(fake.host)
  t.equal(await repository.hasBlob(blob.digest), false)
  t.equal(service.asked.length, 1)
  const [first] = service.asked
  t.match(first, { method: 'GET', authorization: undefined })
  t.equal(first?.query.get('service'), 'registry.example')
  t.same(first?.query.getAll('scope'), ['repository:team/app:pull'])
})

t.test('a token serves all requests of its scope, also those that come at once', async (t) => {
  const service = await startTokenService(t)
  const fake = await startTokenRegistry(t, service.realm)
  const repository = open(fake.host, { kind: 'basic', username: 'alice', password: 'secret' })
  await repository.hasBlob(blob.digest)
  await Promise.all([1, 2, 3].map(() => repository.hasBlob(blob.digest)))
  t.equal(service.asked.length, 1)
  await repository.pushBlob(blob, () => words)
  await repository.pushManifest(Buffer.from('{}'), 'application/json')
  t.same(
    service.asked.map(({ query }) => query.getAll('scope')),
    [['repository:team/app:pull'], ['repository:team/app:pull,push']],
  )
  const basic = `Basic ${Buffer.from('alice:secret').toString('base64')}`
  t.same([...new Set(service.asked.map(({ authorization }) => authorization))], [basic])
  t.notOk(fake.asked.some(({ authorization }) => authorization?.startsWith('Basic')))
})

t.test('an identity token is changed for a token by POST', async (t) => {
  const service = await startTokenService(t, (token) => ({
    access_token: token,
    refresh_token: 'the next one',
  }))
  const fake = await startTokenRegistry(t, service.realm)
  const repository = open(fake.host, { kind: 'identity_token', token: 'idt' })
  await repository.hasBlob(blob.digest)
  await repository.pushBlob(blob, () => words)
  t.same(
    service.asked.map(({ method, form }) => [method, form.get('grant_type'), form.get('refresh_token')]),
    [
      ['POST', 'refresh_token', 'idt'],
      ['POST', 'refresh_token', 'the next one'],
    ],
  )
  t.same(service.asked[0]?.form.get('scope'), 'repository:team/app:pull')
  t.equal(service.asked[0]?.authorization, undefined)
})

t.test('a registry token and Basic credentials go to the registry itself, after it has asked', async (t) => {
  const basic = await startFakeRegistry(t, {
    intercept(request, response) {
      if (request.headers.authorization === `Basic ${Buffer.from('alice:secret').toString('base64')}`)
        return false
      response.writeHead(401, { 'www-authenticate': 'Negotiate, Basic realm="ours"' }).end()
      return true
    },
  })
  const repository = open(basic.host, { kind: 'basic', username: 'alice', password: 'secret' })
  await repository.hasBlob(blob.digest)
  await repository.hasBlob(blob.digest)
  t.same(
    basic.asked.map(({ authorization }) => authorization?.slice(0, 5)),
    [undefined, 'Basic', 'Basic'],
  )
  const service = await startTokenService(t)
  const fake = await startTokenRegistry(t, service.realm)
  await open(fake.host, { kind: 'registry_token', token: 'repository:team/app:pull' }).hasBlob(blob.digest)
  t.equal(service.asked.length, 0)
})

t.test('a token that has ended is renewed, before it is sent and after it was refused', async (t) => {
  let now = new Date('2026-01-01T00:00:00Z')
  const service = await startTokenService(t, (token) => ({ token, expires_in: 300 }))
  const revoked = new Set<string>()
  const fake = await startTokenRegistry(t, service.realm, (token) => !revoked.has(token))
  const repository = open(fake.host, undefined, { now: () => now })
  await repository.hasBlob(blob.digest)
  now = new Date(now.getTime() + 299_000)
  await repository.hasBlob(blob.digest)
  t.equal(service.asked.length, 2)
  t.equal(fake.lines().length, 3)
  revoked.add('repository:team/app:pull#2')
  await repository.hasBlob(blob.digest)
  t.equal(service.asked.length, 3)
})

t.test('credentials that do not suffice are told in a sentence, without the password', async (t) => {
  const refusing = await startFakeRegistry(t, {
    intercept: (_request, response) => {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="ours"' }).end()
      return true
    },
  })
  const wrong = open(refusing.host, { kind: 'basic', username: 'alice', password: 'secret' })
  await t.rejects(wrong.hasBlob(blob.digest), {
    code: 'unauthorized',
    message: `${refusing.host} does not take a user name and a password for team/app; log in again with docker login ${refusing.host}`,
  })
  await t.rejects(open(refusing.host).hasBlob(blob.digest), {
    code: 'unauthorized',
    message: /there are none for it; log in with docker login/,
  })
  const service = await startTokenService(t)
  const never = await startTokenRegistry(t, service.realm, () => false)
  await t.rejects(open(never.host).hasBlob(blob.digest), { code: 'unauthorized', status: 401 })
  t.ok(service.asked.length <= 2)
})

t.test(
  'a redirect to another host is followed without credentials, whatever that host asks for',
  async (t) => {
    const elsewhere = await startFakeRegistry(t, {
      intercept(request, response) {
        if (request.url === '/content') response.end(words)
        else response.writeHead(401, { 'www-authenticate': 'Basic realm="theirs"' }).end()
        return true
      },
    })
    const seen: (string | undefined)[] = []
    const fake = await startFakeRegistry(t, {
      intercept(request, response) {
        seen.push(request.headers.authorization)
        if (request.headers.authorization === undefined)
          response.writeHead(401, { 'www-authenticate': 'Basic realm="ours"' }).end()
        else
          response
            .writeHead(307, {
              location: `http://${elsewhere.host}/${request.method === 'GET' ? 'content' : 'login'}`,
            })
            .end()
        return true
      },
    })
    const repository = open(fake.host, { kind: 'basic', username: 'alice', password: 'secret' })
    t.equal((await repository.readBlob(blob)).toString(), 'words')
    await t.rejects(repository.hasBlob(blob.digest), { code: 'unauthorized', message: /by way of/ })
    t.equal(seen.filter((authorization) => authorization !== undefined).length, 2)
    t.same(elsewhere.asked, [
      { line: 'GET /content', authorization: undefined },
      { line: 'HEAD /login', authorization: undefined },
    ])
  },
)

t.test('an upload that is to go to another host goes without credentials', async (t) => {
  const elsewhere = await startFakeRegistry(t, {
    intercept: (_request, response) => {
      response.writeHead(201).end()
      return true
    },
  })
  const fake = await startFakeRegistry(t, {
    intercept(request, response) {
      if (request.headers.authorization === undefined)
        response.writeHead(401, { 'www-authenticate': 'Basic realm="ours"' }).end()
      else if (request.method === 'POST')
        response.writeHead(202, { location: `http://${elsewhere.host}/upload?signature=x` }).end()
      else return false
      return true
    },
  })
  const repository = open(fake.host, { kind: 'basic', username: 'alice', password: 'secret' })
  t.equal(await repository.pushBlob(blob, () => words), 'pushed')
  t.same(elsewhere.asked, [
    {
      line: `PUT /upload?signature=x&digest=${encodeURIComponent(blob.digest)}`,
      authorization: undefined,
    },
  ])
})

t.test('credentials go to no token service that is none', async (t) => {
  const ask = (registry: string, realm: string) =>
    askForToken({
      registry: new URL(registry),
      realm,
      service: undefined,
      scopes: ['repository:team/app:pull'],
      credentials: { kind: 'basic', username: 'alice', password: 'secret' },
      now: () => new Date(),
      route: 'direct',
    })
  for (const [registry, realm] of [
    ['https://registry.example', 'http://auth.example/token'],
    ['https://registry.example', 'https://169.254.169.254/token'],
    ['https://registry.example', 'https://[::1]/token'],
    ['https://registry.example', 'https://10.1.2.3/token'],
    ['http://localhost:5000', 'http://169.254.169.254/token'],
    ['http://localhost:5000', 'http://[::ffff:169.254.169.254]/token'],
    ['http://10.0.0.1', 'http://[fe80::1]/token'],
    ['http://10.0.0.1', 'http://[fd00:ec2::254]/token'],
    ['https://registry.example', 'https://user:pass@auth.example/token'],
    ['https://registry.example', 'file:///etc/passwd'],
    ['https://registry.example', ''],
    ['https://registry.example', 'token'],
  ] as const)
    await t.rejects(ask(registry, realm), { code: 'bad_answer', message: /no credentials were sent$/ }, realm)
})

t.test('what a token service says that is no token is refused, without a word of it', async (t) => {
  for (const answer of [
    {},
    { token: '' },
    { token: 'with\r\nline: feed' },
    { token: 7 },
    [],
    { token: null },
  ]) {
    const service = await startTokenService(t, () => answer)
    const fake = await startTokenRegistry(t, service.realm)
    await t.rejects(open(fake.host).hasBlob(blob.digest), { code: 'bad_answer', message: /token/ })
  }
})

t.test('a token service that is down for a moment is asked again', async (t) => {
  const service = await startTokenService(t)
  let failures = 2
  const flaky = createServer((_request, response) => {
    if (failures-- > 0) response.writeHead(503, { 'retry-after': '7' }).end('{}')
    else response.writeHead(200).end('{"token":"repository:team/app:pull"}')
  }).listen(0, '127.0.0.1')
  await once(flaky, 'listening')
  t.teardown(() => flaky.close().closeAllConnections())
  const realm = service.realm.replace(/:\d+/, `:${(flaky.address() as AddressInfo).port}`)
  const fake = await startTokenRegistry(t, realm)
  const waits: number[] = []
  const delay = (ms: number) => Promise.resolve(waits.push(ms))
  t.equal(await open(fake.host, undefined, { patience: { delay } }).hasBlob(blob.digest), false)
  t.same(waits, [7000, 7000])
})

t.test('credentials that were refused are looked for again at the next request', async (t) => {
  const fake = await startFakeRegistry(t, {
    intercept(request, response) {
      const good = `Basic ${Buffer.from('alice:new').toString('base64')}`
      if (request.headers.authorization === good) return false
      response.writeHead(401, { 'www-authenticate': 'Basic realm="ours"' }).end()
      return true
    },
  })
  const passwords = ['old', 'new', 'newer']
  const credentials = () =>
    Promise.resolve({ kind: 'basic', username: 'alice', password: passwords.shift() ?? '' } as const)
  const repository = open(fake.host, undefined, { credentials })
  await t.rejects(repository.hasBlob(blob.digest), { code: 'unauthorized' })
  t.equal(await repository.hasBlob(blob.digest), false)
  t.equal(await repository.hasBlob(blob.digest), false)
  t.same(passwords, ['newer'])
})

import { execFileSync } from 'node:child_process'
import { chmodSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import t, { type Test } from 'tap'
import { askCredentialHelper } from '../src/credential-helper.ts'
import { configKeys } from '../src/docker-config.ts'
import {
  ambientCredentials,
  configFiles,
  keepCredentials,
  parseChallenge,
  parseChallenges,
  parseDockerConfig,
  parseHelperAnswer,
} from '../src/index.ts'
import { nextLink } from '../src/link.ts'
import { mergedScopes } from '../src/scopes.ts'

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const name = { registry: 'registry.example:5000', repository: 'team/app' }
const noHelper = () => Promise.reject(new Error('no helper is to be asked'))

function configured(
  t: Test,
  config: unknown,
  askHelper = noHelper as Parameters<typeof ambientCredentials>[1],
) {
  const folder = t.testdir({ 'config.json': typeof config === 'string' ? config : JSON.stringify(config) })
  return ambientCredentials({ DOCKER_CONFIG: folder }, askHelper)
}

t.test('credentials of each form are read', async (t) => {
  const { auths, helpers, store } = parseDockerConfig(
    JSON.stringify({
      auths: {
        'a.example': { auth: base64('alice:pa:ss\0\0') },
        'b.example': { username: 'bob', password: 'secret' },
        'c.example': { auth: base64('00000000-0000-0000-0000-000000000000:'), identitytoken: 'idt' },
        'd.example': { registrytoken: 'rt' },
        'e.example': {},
        'f.example': null,
      },
      credHelpers: { 'g.example': 'ecr-login' },
      credsStore: 'desktop',
      HttpHeaders: { 'User-Agent': 'x' },
    }),
    'config.json',
  )
  t.same(Object.fromEntries(auths), {
    'a.example': { kind: 'basic', username: 'alice', password: 'pa:ss' },
    'b.example': { kind: 'basic', username: 'bob', password: 'secret' },
    'c.example': { kind: 'identity_token', token: 'idt' },
    'd.example': { kind: 'registry_token', token: 'rt' },
  })
  t.same(Object.fromEntries(helpers), { 'g.example': 'ecr-login' })
  t.equal(store, 'desktop')
})

t.test('a config that cannot be read is an error that repeats none of its secrets', async (t) => {
  for (const config of [
    '{"auths":{"a.example":{"auth":"hunter2"}}}',
    `{"auths":{"a.example":{"auth":"${base64('hunter2')}"}}}`,
    '{"auths":{"a.example":{"registrytoken":"hunter2\\r\\nx: y"}}}',
    '{"auths":{"a.example":"hunter2"}}',
    '{"auths":["hunter2"]}',
    '{"auths":{"a":{},"a":{}}}',
    '{"credHelpers":{"a.example":"../../hunter"}}',
    '{"credsStore":"a b"}',
    '{"credsStore":7}',
    'hunter2',
    '',
  ]) {
    await t.rejects(
      configured(t, config)(name),
      { name: 'OciError', code: 'bad_credentials', message: /config\.json.* cannot be read/ },
      config,
    )
    await configured(t, config)(name).catch((error: Error) => t.notMatch(error.message, 'hunter2'))
  }
  const folder = t.testdir({ 'config.json': {} })
  await t.rejects(ambientCredentials({ DOCKER_CONFIG: folder })(name), { message: /cannot be read: EISDIR$/ })
})

t.test('a config that never ends is not waited for, and none is read without a bound', async (t) => {
  const folder = t.testdir({ pipe: {}, zero: {}, large: { 'config.json': ' '.repeat((1 << 20) + 1) } })
  const at = (each: string): string => path.join(folder, each)
  execFileSync('mkfifo', [path.join(at('pipe'), 'config.json')])
  symlinkSync('/dev/zero', path.join(at('zero'), 'config.json'))
  for (const [each, reason] of [
    ['pipe', /config\.json.* cannot be read: it is no regular file$/],
    ['zero', /cannot be read: it is no regular file$/],
    ['large', /cannot be read: it is larger than 1048576 bytes$/],
  ] as const) {
    const refusal = { code: 'bad_credentials', message: reason }
    await t.rejects(ambientCredentials({ DOCKER_CONFIG: at(each) })(name), refusal, each)
    const login = { username: 'alice', password: 'secret' }
    if (each !== 'zero')
      await t.rejects(keepCredentials({ DOCKER_CONFIG: at(each) }, name.registry, login), refusal, each)
  }
})

t.test('the narrowest entry for a repository decides', async (t) => {
  const entry = (username: string): object => ({ auth: base64(`${username}:x`) })
  const auths = {
    'https://registry.example:5000': entry('scheme'),
    'registry.example:5000': entry('host'),
    'registry.example:5000/team': entry('team'),
    'registry.example:5000/team/app': entry('app'),
    'https://index.docker.io/v1/': entry('hub'),
  }
  const find = configured(t, { auths })
  for (const [repository, username] of [
    ['team/app', 'app'],
    ['team/other', 'team'],
    ['other', 'host'],
  ] as const)
    t.match(await find({ ...name, repository }), { username }, repository)
  t.match(await find({ registry: 'index.docker.io', repository: 'library/alpine' }), { username: 'hub' })
  t.equal(await find({ registry: 'other.example', repository: 'app' }), undefined)
  t.match(await configured(t, { auths: { 'https://registry.example:5000/v2/': entry('old') } })(name), {
    username: 'old',
  })
  t.ok(configKeys(name).length < 50)
})

t.test('the first file that is there decides alone', async (t) => {
  t.same(
    configFiles({ HOME: '/h', DOCKER_CONFIG: '/d', REGISTRY_AUTH_FILE: '/r', XDG_RUNTIME_DIR: '/run' }),
    ['/d/config.json', '/r', '/run/containers/auth.json', '/h/.config/containers/auth.json'],
  )
  t.same(configFiles({ HOME: '/h', XDG_CONFIG_HOME: '/c' }), [
    '/h/.docker/config.json',
    '/c/containers/auth.json',
  ])
  t.equal(await ambientCredentials({})(name), undefined)
  const home = t.testdir({
    'auth.json': JSON.stringify({ auths: { 'registry.example:5000': { auth: base64('podman:x') } } }),
  })
  const podman = ambientCredentials({ HOME: home, REGISTRY_AUTH_FILE: path.join(home, 'auth.json') })
  t.match(await podman(name), { username: 'podman' })
})

t.test('helpers of one registry come before the store of all', async (t) => {
  const asked: string[] = []
  const ask = (helper: string, registry: string) => {
    asked.push(`${helper} ${registry}`)
    const found = { kind: 'basic', username: helper, password: 'x' } as const
    return Promise.resolve(helper === 'empty' ? undefined : found)
  }
  const helpers = { credHelpers: { 'registry.example:5000': 'own' }, credsStore: 'store' }
  t.match(await configured(t, helpers, ask)(name), { username: 'own' })
  const hub = { registry: 'index.docker.io', repository: 'library/alpine' }
  t.match(await configured(t, helpers, ask)(hub), { username: 'store' })
  t.same(asked, ['own registry.example:5000', 'store https://index.docker.io/v1/'])
  const auths = { 'registry.example:5000': { auth: base64('file:x') } }
  t.match(await configured(t, { credsStore: 'empty', auths }, ask)(name), { username: 'file' })
})

t.test('a credential helper is a program that is asked on its input', async (t) => {
  const folder = t.testdir()
  const before = process.env.PATH ?? ''
  process.env.PATH = `${folder}:${before}`
  t.teardown(() => (process.env.PATH = before))
  const program = (helper: string, script: string): void => {
    const file = path.join(folder, `docker-credential-${helper}`)
    writeFileSync(file, `#!/bin/sh\n${script}\n`)
    chmodSync(file, 0o755)
  }
  program('good', 'read -r url; printf \'{"ServerURL":"%s","Username":"%s","Secret":"s"}\' "$url" "$1-$url"')
  program('token', 'printf \'{"Username":"<token>","Secret":"idt"}\'')
  program('none', "echo 'credentials not found in native keychain'; exit 1")
  program('broken', "echo 'the vault is locked' >&2; exit 3")
  program('endless', 'while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done')
  program('words', 'echo hello')
  t.same(await askCredentialHelper('good', 'r.example'), {
    kind: 'basic',
    username: 'get-r.example',
    password: 's',
  })
  t.same(await askCredentialHelper('token', 'r.example'), { kind: 'identity_token', token: 'idt' })
  t.equal(await askCredentialHelper('none', 'r.example'), undefined)
  const refused = (helper: string, message: RegExp) =>
    t.rejects(askCredentialHelper(helper, 'r.example'), { code: 'bad_credentials', message })
  await refused(
    'broken',
    /docker-credential-broken has no credentials for r\.example: .*status 3.*the vault is locked/,
  )
  await refused('endless', /more than/)
  await refused('words', /answer of docker-credential-words cannot be read/)
  await refused('absent', /there is no such program on the PATH/)
  const reason = new Error('enough')
  await t.rejects(askCredentialHelper('endless', 'r.example', AbortSignal.abort(reason)), reason)
  t.equal(parseHelperAnswer('{}', 'p'), undefined)
})

t.test('challenges are read as registries write them', async (t) => {
  const cases: readonly (readonly [string, unknown])[] = [
    [
      'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"',
      { scheme: 'bearer', parameters: { scope: 'repository:a/b:pull,push', service: 'registry.docker.io' } },
    ],
    ['BASIC realm="Sonatype \\"Nexus\\""', { scheme: 'basic', parameters: { realm: 'Sonatype "Nexus"' } }],
    ['Basic realm=basic-realm', { scheme: 'basic', parameters: { realm: 'basic-realm' } }],
    ['Basic', { scheme: 'basic' }],
    ['Negotiate, Basic realm="x"', { scheme: 'basic', parameters: { realm: 'x' } }],
    [
      'Digest a=b, c=d, Bearer realm = "r" , service=s',
      { scheme: 'bearer', parameters: { realm: 'r', service: 's' } },
    ],
    [
      'Bearer realm=https://r.example/token,service=x',
      { parameters: { realm: 'https://r.example/token', service: 'x' } },
    ],
    ['  , Bearer realm="r",, ', { scheme: 'bearer', parameters: { realm: 'r' } }],
    ['Negotiate', undefined],
    ['', undefined],
  ]
  for (const [header, expected] of cases) t.match(parseChallenge(header), expected, header)
  t.equal(parseChallenges('Basic realm="a", Bearer realm="b"').length, 2)
  t.equal(parseChallenge('Bearer __proto__="x",realm="r"')?.parameters.realm, 'r')
})

t.test('challenges that two readers may read otherwise are refused', async (t) => {
  for (const header of [
    'Bearer realm="r',
    'Bearer realm="r\\',
    'Bearer realm="a",realm="b"',
    'Bearer realm="a",REALM="b"',
    '="x"',
    '"x"',
    'Bearer realm="r";service="s"',
    'a'.repeat(20_000),
    'Basic, '.repeat(20),
    `Bearer ${Array.from({ length: 30 }, (_, at) => `p${at}=1`).join()}`,
  ])
    t.throws(() => parseChallenges(header), { name: 'OciError', code: 'bad_answer' }, header.slice(0, 60))
})

t.test('the next page is where the link says', async (t) => {
  for (const [header, expected] of [
    ['</v2/x?n=1&last=a>; rel="next"', '/v2/x?n=1&last=a'],
    ['</v2/x>; rel=next', '/v2/x'],
    ['</first>; rel="first", </second>; title="a"; rel="next"', '/second'],
    ['</v2/x>; rel="nextish"', undefined],
    ['</v2/x>; rel="prev"', undefined],
    ['</v2/x', undefined],
    ['', undefined],
    [undefined, undefined],
  ] as const)
    t.equal(nextLink(header), expected, String(header))
})

t.test('scopes that a registry names come first, without what is asked for anyway', async (t) => {
  const own = ['repository:a:pull,push']
  t.same(mergedScopes(own, 'repository:a:pull'), own)
  t.same(mergedScopes(own, 'repository:a:delete'), ['repository:a:delete', ...own])
  t.same(mergedScopes(own, 'repository:b:pull repository:a:push'), ['repository:b:pull', ...own])
  t.same(mergedScopes(own, undefined), own)
})

t.test('a login is kept in the docker config, of which all else stays, for its owner alone', async (t) => {
  const before = { auths: { 'a.example': { auth: base64('a:b') } }, detachKeys: 'ctrl-e', credHelpers: {} }
  const folder = t.testdir({ own: { 'real.json': JSON.stringify(before) }, fresh: {} })
  const own = path.join(folder, 'own')
  symlinkSync(path.join(own, 'real.json'), path.join(own, 'config.json'))
  const alice = { username: 'alice', password: 'pa:ss' }
  t.same(await keepCredentials({ DOCKER_CONFIG: own }, name.registry, alice), {
    file: path.join(own, 'real.json'),
  })
  t.same(JSON.parse(readFileSync(path.join(own, 'config.json'), 'utf8')), {
    ...before,
    auths: { ...before.auths, [name.registry]: { auth: base64('alice:pa:ss') } },
  })
  t.same(await ambientCredentials({ DOCKER_CONFIG: own })(name), { kind: 'basic', ...alice })
  const home = path.join(folder, 'fresh')
  await keepCredentials({ HOME: home }, 'index.docker.io', alice)
  const hub = { registry: 'index.docker.io', repository: 'library/alpine' }
  t.match(await ambientCredentials({ HOME: home })(hub), alice)
  t.equal(statSync(path.join(home, '.docker/config.json')).mode & 0o777, 0o600)
  t.same(readdirSync(path.join(home, '.docker')), ['config.json'])
  await t.rejects(keepCredentials({}, 'a.example', alice), {
    code: 'bad_credentials',
    message: /set DOCKER_CONFIG/,
  })
})

t.test('a login is kept by the helper of the registry where there is one', async (t) => {
  const config = { credHelpers: { 'a.example': 'kept', 'b.example': 'refusing' } }
  const folder = t.testdir({ 'config.json': JSON.stringify(config) })
  const before = process.env.PATH ?? ''
  process.env.PATH = `${folder}:${before}`
  t.teardown(() => (process.env.PATH = before))
  const program = (helper: string, script: string): void =>
    writeFileSync(path.join(folder, `docker-credential-${helper}`), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  program('kept', `cat > ${folder}/$1`)
  program('refusing', 'cat; exit 2')
  const alice = { username: 'alice', password: 'hunter2' }
  const odd = { username: 'alice', password: 'quo"te' }
  await keepCredentials({ DOCKER_CONFIG: folder }, 'b.example', odd).catch((error: Error) =>
    t.notMatch(error.message, /quo/),
  )
  t.same(await keepCredentials({ DOCKER_CONFIG: folder }, 'a.example', alice), { helper: 'kept' })
  t.same(JSON.parse(readFileSync(path.join(folder, 'store'), 'utf8')), {
    ServerURL: 'a.example',
    Username: 'alice',
    Secret: 'hunter2',
  })
  t.same(JSON.parse(readFileSync(path.join(folder, 'config.json'), 'utf8')), {
    ...config,
    auths: { 'a.example': {} },
  })
  await t.rejects(keepCredentials({ DOCKER_CONFIG: folder }, 'b.example', alice), {
    code: 'bad_credentials',
    message: /does not keep the credentials for b\.example: .* status 2 and said .*\[secret\]/,
  })
})

/** Tokens out of the surroundings of a job, and what is said of one before it is used. */
import { type HttpAnswer, HttpError, type HttpRequest } from '@sigstack/http-client'
import t from 'tap'
import { ambientToken, demandToken, type Surroundings } from '../src/index.ts'
import { subjectOfToken } from '../src/tokens/identity-token.ts'

type Asked = { readonly url: string } & HttpRequest

/** Answers with each in turn, and again with the last. */
function surroundings(
  environment: Readonly<Record<string, string>>,
  answers: readonly (readonly [status: number, body: string])[] = [],
  file?: string,
  headers: Readonly<Record<string, string>> = {},
) {
  const asked: Asked[] = []
  const world: Surroundings = {
    environment,
    exchange: async (url, request) => {
      asked.push({ url, ...request })
      const [status, body] = answers[Math.min(asked.length, answers.length) - 1] ?? [0, '']
      if (status === 0) throw new HttpError('unreachable', 'ECONNREFUSED')
      return {
        status,
        url,
        header: (name) => headers[name],
        bytes: Buffer.from(body),
        text: () => body,
      } satisfies HttpAnswer
    },
    callSocket: async () => {
      throw new Error('no socket is expected to be asked')
    },
    isSocket: async () => false,
    readFile: async (path) => (path === '/var/run/sigstore/cosign/oidc-token' ? file : undefined),
  }
  return { asked, world }
}

const github = {
  ACTIONS_ID_TOKEN_REQUEST_URL: 'https://runner.example/token?api-version=2.0',
  ACTIONS_ID_TOKEN_REQUEST_TOKEN: 's3cret',
}
const buildkite = { BUILDKITE_AGENT_ACCESS_TOKEN: 's3cret', BUILDKITE_JOB_ID: 'job/1' }

t.test('GitHub Actions gives a token for the audience sigstore', async (t) => {
  const { asked, world } = surroundings(github, [[200, '{"value":"a.b.c"}']])
  t.same(await ambientToken(world), { token: 'a.b.c', provider: 'github-actions' })
  t.match(asked, [
    {
      url: 'https://runner.example/token?api-version=2.0&audience=sigstore',
      method: 'GET',
      headers: { authorization: 'bearer s3cret' },
    },
  ])
})

t.test('Buildkite gives one for its job', async (t) => {
  const { asked, world } = surroundings(buildkite, [[200, '{"token":"a.b.c"}']])
  t.same(await ambientToken(world), { token: 'a.b.c', provider: 'buildkite-agent' })
  t.match(asked, [
    {
      url: 'https://agent.buildkite.com/v3/jobs/job%2F1/oidc/tokens',
      method: 'POST',
      headers: { authorization: 'Token s3cret' },
      body: '{"audience":"sigstore"}',
    },
  ])
})

t.test('a variable and a file hold one, and one provider can be picked', async (t) => {
  const { world } = surroundings({ SIGSTORE_ID_TOKEN: 'a.b.c' }, [], 'd.e.f\n')
  t.same(await ambientToken(world), { token: 'a.b.c', provider: 'envvar' })
  t.same(await ambientToken(world, 'filesystem'), { token: 'd.e.f', provider: 'filesystem' })
  t.equal(await ambientToken(surroundings({}).world), undefined)
  await t.rejects(ambientToken(surroundings({}).world, 'filesystem'), { message: /has no token here$/ })
  await t.rejects(ambientToken(world, 'nosuch'), { code: 'bad_token', advice: /--identity-token/ })
})

const google = { GCE_METADATA_HOST: '169.254.169.254' }
const metadata = { 'metadata-flavor': 'Google' }

t.test('the metadata server of Google Cloud gives one, directly, where it is known to be', async (t) => {
  const { asked, world } = surroundings(google, [[200, 'a.b.c\n']], undefined, metadata)
  t.same(await ambientToken(world), { token: 'a.b.c', provider: 'google-workload-identity' })
  t.match(asked, [
    {
      url: 'http://169.254.169.254/computeMetadata/v1/instance/service-accounts/default/identity?audience=sigstore&format=full',
      headers: { 'metadata-flavor': 'Google' },
      route: 'direct',
    },
  ])
  const elsewhere = surroundings({}, [[200, 'a.b.c']], undefined, metadata)
  t.equal(await ambientToken(elsewhere.world), undefined)
  t.same(elsewhere.asked, [], 'nobody is asked unless somebody said so')
  t.equal((await ambientToken(elsewhere.world, 'google-workload-identity'))?.token, 'a.b.c')
  t.match(elsewhere.asked, [{ url: /^http:\/\/metadata\.google\.internal\// }])
  await t.rejects(ambientToken(surroundings(google, [[200, 'a.b.c']]).world), {
    message: /is not Google's metadata server$/,
  })
})

t.test('a machine of Google Cloud acts for another account', async (t) => {
  const environment = { ...google, GOOGLE_SERVICE_ACCOUNT_NAME: 'ci@example.iam.gserviceaccount.com' }
  const { asked, world } = surroundings(
    environment,
    [
      [200, '{"access_token":"s3cret"}'],
      [200, '{"token":"a.b.c"}'],
    ],
    undefined,
    metadata,
  )
  t.same(await ambientToken(world), { token: 'a.b.c', provider: 'google-impersonate' })
  t.match(asked, [
    { url: /\/service-accounts\/default\/token$/ },
    {
      url: 'https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/ci%40example.iam.gserviceaccount.com:generateIdToken',
      method: 'POST',
      headers: { authorization: 'Bearer s3cret' },
      body: '{"audience":"sigstore","includeEmail":true}',
    },
  ])
})

t.test(
  'where one source fails the next is tried, and the failure is told where none has a token',
  async (t) => {
    const { world } = surroundings({ ...github, SIGSTORE_ID_TOKEN: 'a.b.c' }, [[500, '']])
    t.same(await ambientToken(world), { token: 'a.b.c', provider: 'envvar' })
    await t.rejects(ambientToken(world, 'github-actions'), { message: /^GitHub Actions gives no/ })
  },
)

t.test('who is busy is asked three times, who refuses once, and no secret is told', async (t) => {
  const busy = surroundings(github, [
    [503, ''],
    [0, ''],
    [200, '{"value":"a.b.c"}'],
  ])
  t.equal((await ambientToken(busy.world))?.token, 'a.b.c')
  t.equal(busy.asked.length, 3)
  const away = surroundings(github, [[0, '']])
  await t.rejects(ambientToken(away.world), {
    code: 'bad_token',
    message: 'GitHub Actions gives no identity token: ECONNREFUSED',
  })
  t.equal(away.asked.length, 3)
  const refusing = surroundings(github, [[403, 's3cret']])
  await t.rejects(ambientToken(refusing.world), {
    message: 'GitHub Actions gives no identity token: it answers with status 403',
    advice: /id-token: write/,
  })
  t.equal(refusing.asked.length, 1)
  for (const body of ['', '{}', '{"value":7}', '[]'])
    await t.rejects(ambientToken(surroundings(github, [[200, body]]).world), {
      message: /without an identity token$/,
    })
})

const tokenOf = (claims: object): string =>
  `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`

t.test('a token is judged before any key is made, and never repeated', async (t) => {
  const now = new Date('2026-01-01T00:00:00Z')
  const good = tokenOf({ sub: 'me', exp: 1_800_000_000 })
  t.equal(demandToken(` ${good}\n`, now), good)
  const refusals: readonly [token: string, message: RegExp][] = [
    ['nonsense', /is not a JSON Web Token$/],
    ['a.b.c', /is not a JSON Web Token$/],
    [`e30.${Buffer.from('[]').toString('base64url')}.c2ln`, /is not a JSON Web Token$/],
    [tokenOf({ sub: 'me', exp: 1 }), /expired at 1970-01-01T00:00:01.000Z$/],
    [tokenOf({ sub: 'me', exp: -1e300 }), /expired long ago$/],
    [tokenOf({}), /names nobody/],
  ]
  for (const [token, message] of refusals)
    t.throws(() => demandToken(token, now), { name: 'SigningError', code: 'bad_token', message })
})

t.test('who a token names is the verified address, else the subject', async (t) => {
  t.equal(subjectOfToken(tokenOf({ sub: 'me' })), 'me')
  for (const email_verified of [true, 'true'])
    t.equal(subjectOfToken(tokenOf({ sub: 'me', email: 'a@example.org', email_verified })), 'a@example.org')
  for (const email_verified of [false, undefined])
    t.throws(() => subjectOfToken(tokenOf({ email: 'a@example.org', email_verified })), { code: 'bad_token' })
})

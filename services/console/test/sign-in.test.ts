/** Signing in: at the trial issuer as a person does, by rules over claims, and what is not let in. */
import t, { type Test } from 'tap'
import { standIn } from '../../../packages/oidc-client/test/stand-in-issuer.ts'
import { createBrowser } from '../../dev-issuer/test/browser.ts'
import { startIssuer } from '../../dev-issuer/test/start.ts'
import { createCookie } from '../src/sign-in/cookies.ts'
import { parseIssuers } from '../src/sign-in/issuers-file.ts'
import { nameOf, type Rule, roleOf } from '../src/sign-in/rules.ts'
import { createSeal } from '../src/sign-in/seal.ts'
import { createSessions } from '../src/sign-in/sessions.ts'
import { openFakeMonitor, token } from './fake-monitor.ts'
import { openConsole, openLog, signedEntry } from './workshop.ts'

const page = { accept: 'text/html' }
const own = { 'sec-fetch-site': 'same-origin' }
const key = 'k'.repeat(32)
/** Where people know it; its answers are asked for where it listens. */
const publicUrl = 'http://localhost:1'

async function open(t: Test, more: readonly object[] = []) {
  const log: string[] = []
  const { issuer } = await startIssuer(t)
  const issuers = [
    {
      name: 'Trial <b>',
      url: issuer,
      clientId: 'sigstack-console',
      readers: [{ email: '*@example.org' }],
      operators: [{ email: 'olga@example.org' }],
    },
    ...more,
  ]
  const { body } = await signedEntry('alice@example.org!example.org')
  const monitor = await openFakeMonitor(t)
  const { url } = await openConsole(
    t,
    await openLog(t, [{ body }]),
    {
      CONSOLE_ACCESS: 'oidc',
      CONSOLE_PUBLIC_URL: publicUrl,
      CONSOLE_SESSION_KEY: key,
      CONSOLE_MONITOR_URL: monitor.url,
      CONSOLE_MONITOR_TOKEN: token,
      CONSOLE_HIDE_ADDRESSES: '1',
    },
    { logLines: log, issuers },
  )
  const get = (path: string, cookie = '', headers: Record<string, string> = page) =>
    fetch(url + path, { redirect: 'manual', headers: { ...headers, cookie } })
  return { url, issuer, get, log, monitor }
}

type Opened = Awaited<ReturnType<typeof open>>

/** Cookies that an answer sets, as a browser sends them back. */
function cookiesOf(answer: Response): string {
  return answer.headers
    .getSetCookie()
    .map((line) => line.split(';')[0] ?? '')
    .filter((pair) => !pair.endsWith('='))
    .join('; ')
}

/** To the issuer and back: the path of the callback with its code, and the cookie that goes with it. */
async function visitIssuer({ get, issuer }: Opened, email: string, to = '/') {
  const begun = await get(`/auth/begin?issuer=0&to=${encodeURIComponent(to)}`)
  const browser = createBrowser(new URL(issuer).origin)
  const { location } = await browser.submit(await browser.open(begun.headers.get('location') ?? ''), {
    email,
  })
  return { back: (location ?? '').replace(publicUrl, ''), cookie: cookiesOf(begun), begun }
}

async function signIn(opened: Opened, email: string, to?: string) {
  const { back, cookie } = await visitIssuer(opened, email, to)
  const answer = await opened.get(back, cookie)
  return { answer, cookie: cookiesOf(answer) }
}

t.test('a person is sent to sign in, a program is told, and probes are answered', async (t) => {
  const { get } = await open(t)
  const away = await get('/entry/0?x=1')
  t.equal(away.status, 303)
  t.equal(away.headers.get('location'), `${publicUrl}/auth/sign-in?to=%2Fentry%2F0%3Fx%3D1`)
  for (const path of ['/entry/0.json', '/search.atom?q=x', '/log/events', '/watch/alarms.csv'])
    t.equal((await get(path, '', { accept: '*/*' })).status, 401, path)
  const form = await (await get('/auth/sign-in?to=%2Fentry%2F0')).text()
  t.match(form, 'Sign in with Trial &lt;b&gt;')
  t.notMatch(form, 'hidden from readers', 'nothing is hidden from who is shown nothing')
  t.match(form, `href="${publicUrl}/auth/begin?issuer=0&amp;to=%2Fentry%2F0"`)
  t.equal((await get('/assets/console.css')).status, 200)
  t.equal((await get('/healthz')).status, 200)
  t.equal((await get('/auth/begin?issuer=1')).status, 404)
  t.equal((await get('/auth/nothing')).status, 303, 'not everything below it is open')
})

t.test('who comes back from the issuer reads what their role may, until they leave', async (t) => {
  const opened = await open(t)
  const { get, url, log } = opened
  const { answer, cookie } = await signIn(opened, 'rita@example.org', '/entry/0?a=b')
  t.equal(answer.status, 303)
  t.equal(answer.headers.get('location'), '/entry/0?a=b')
  const [cleared, set] = answer.headers.getSetCookie()
  t.match(cleared, /^sigstack-sign-in=; Path=\/; Max-Age=0; HttpOnly; SameSite=Lax$/)
  t.match(set, /^sigstack-session=[\w-]+; Path=\/; Max-Age=28800; HttpOnly; SameSite=Lax$/)
  const shown = await (await get('/entry/0', cookie)).text()
  t.match(shown, 'hidden from readers here. Read by rita@example.org (reader)')
  t.notMatch(shown, 'alice@', 'addresses are hidden from readers')
  t.notMatch(shown, 'href="/watch"')
  t.equal((await get('/watch', cookie)).status, 403)

  const operator = await signIn(opened, 'olga@example.org')
  t.match(await (await get('/entry/0', operator.cookie)).text(), 'alice@example.org')
  t.equal((await get('/watch', operator.cookie)).status, 200)
  const act = await fetch(`${url}/watch/alarms/7/close`, {
    method: 'POST',
    redirect: 'manual',
    headers: { ...own, cookie: operator.cookie },
  })
  t.equal(act.status, 303)
  t.match(opened.monitor.asked.at(-1), { body: { by: 'olga@example.org' } })

  const leave = (headers: Record<string, string>) =>
    fetch(`${url}/auth/sign-out`, { method: 'POST', redirect: 'manual', headers: { ...headers, cookie } })
  t.equal((await leave({ 'sec-fetch-site': 'cross-site' })).status, 403)
  t.equal((await get('/', cookie)).status, 200)
  const left = await leave(own)
  t.equal(left.headers.get('location'), '/auth/sign-in?out')
  t.match(left.headers.get('set-cookie'), /^sigstack-session=; .*Max-Age=0/)
  t.equal((await get('/', cookie)).status, 303, 'a copy of the cookie is worth nothing')
  t.equal((await get('/', operator.cookie)).status, 200)

  const record = log.join('')
  t.match(record, '"reader":"rita@example.org"')
  for (const secret of [cookie, operator.cookie, cookie.split('=')[1] ?? '', 'eyJ', 'code='])
    t.notMatch(record, secret)
})

t.test('what was not begun here, or brings nothing of this request, signs nobody in', async (t) => {
  const opened = await open(t)
  const { get } = opened
  const stranger = await signIn(opened, 'mallory@example.net')
  t.equal(stranger.answer.status, 403)
  t.match(await stranger.answer.text(), 'knows you as mallory@example.net')
  t.equal(stranger.cookie, '')

  const { back, cookie } = await visitIssuer(opened, 'olga@example.org')
  const other = await visitIssuer(opened, 'rita@example.org')
  const stolen = new URL(back, publicUrl).searchParams
  const path = (changed: Record<string, string>) =>
    `/auth/callback?${new URLSearchParams({ ...Object.fromEntries(stolen), ...changed }).toString()}`
  const withoutIssuer = path({}).replace(/&iss=[^&]*/, '')
  const attempts: readonly (readonly [string, string, string])[] = [
    ['without the cookie', back, ''],
    ['with the cookie of another browser', back, other.cookie],
    ['with a state that was made up', path({ state: 'x' }), cookie],
    ['of another issuer', path({ iss: 'https://evil.example' }), cookie],
    ['that does not say of whom it is', withoutIssuer, cookie],
    ['with a code that is none', path({ code: 'made-up' }), cookie],
    ['without a code', path({ code: '', error: '<script>' }), cookie],
  ]
  for (const [name, attempt, cookies] of attempts) {
    const answer = await get(attempt, cookies)
    t.equal(answer.status, 400, name)
    t.notMatch(cookiesOf(answer), 'session', name)
    t.notMatch(await answer.text(), '<script>', name)
  }
  const foreign = new URL(other.back, publicUrl).searchParams.get('code') ?? ''
  t.equal((await get(path({ code: foreign }), cookie)).status, 400, 'the code of another request')
  for (const to of [
    '//evil.example/',
    'https://evil.example/',
    '/\\evil.example',
    'javascript:x',
    '/\t/evil.example',
  ])
    t.equal((await signIn(opened, 'rita@example.org', to)).answer.headers.get('location'), '/', to)
})

t.test('the code of one issuer is never taken to another that sent the browser there', async (t) => {
  const asked: string[] = []
  const evil = await standIn(t, {
    token: async (form) => {
      asked.push(form.get('code') ?? '')
      return {}
    },
  })
  const opened = await open(t, [{ url: evil, clientId: 'console' }])
  const { get } = opened
  const begun = await get('/auth/begin?issuer=1')
  const sent = new URL(begun.headers.get('location') ?? '').searchParams
  t.equal(sent.get('redirect_uri'), `${publicUrl}/auth/callback/1`)
  // The evil one sends the browser on to the honest one, as the console does, and has that code brought here.
  const honest = new URL((await get('/auth/begin?issuer=0')).headers.get('location') ?? '')
  t.equal(honest.searchParams.get('redirect_uri'), `${publicUrl}/auth/callback`)
  const state = sent.get('state') ?? ''
  for (const path of ['/auth/callback', '/auth/callback/0', '/auth/callback/2', '/auth/callback/01'])
    t.equal((await get(`${path}?code=theirs&state=${state}`, cookiesOf(begun))).status, 400, path)
  t.same(asked, [])
  await get(`/auth/callback/1?code=its-own&state=${state}`, cookiesOf(begun))
  t.same(asked, ['its-own'])
  const { cookie } = await signIn(opened, 'rita@example.org')
  t.match(
    await (await get('/entry/0', cookie)).text(),
    'Read by rita@example.org at Trial &lt;b&gt; (reader)',
  )
})

t.test('codes are taken to an issuer so often and no more, by the network that brings them', async (t) => {
  let asked = 0
  const url = await standIn(t, {
    token: async () => {
      asked++
      return {}
    },
  })
  let nowMs = 0
  const settings = {
    CONSOLE_ACCESS: 'oidc',
    CONSOLE_PUBLIC_URL: publicUrl,
    CONSOLE_TRUSTED_PROXIES: 'loopback',
  }
  const more = { issuers: [{ url, clientId: 'console' }], nowMs: () => nowMs }
  const opened = await openConsole(t, await openLog(t, []), settings, more)
  const get = (path: string, headers: Record<string, string> = {}) =>
    fetch(opened.url + path, { redirect: 'manual', headers: { ...page, ...headers } })
  const begun = await get('/auth/begin?issuer=0')
  const state = new URL(begun.headers.get('location') ?? '').searchParams.get('state') ?? ''
  const bring = (address: string, brought = state) =>
    get(`/auth/callback?code=guessed&state=${brought}`, {
      cookie: cookiesOf(begun),
      'x-forwarded-for': address,
    })
  for (let i = 0; i < 60; i++) await bring('2001:db8::1')
  t.equal(asked, 60)
  const refused = await bring('2001:db8::2')
  t.equal(refused.status, 429)
  t.equal(refused.headers.get('retry-after'), '1')
  t.match(await refused.text(), 'Too many sign-ins were tried from your network; try again in 1 s.')
  t.equal(asked, 60)
  t.equal((await bring('2001:db8::1', 'made-up')).status, 400, 'what goes to no issuer is told as before')
  await bring('2001:db8:0:1::1')
  t.equal(asked, 61, 'another network has its own')
  nowMs = 1000
  await bring('2001:db8::1')
  t.equal(asked, 62)
  t.equal((await bring('2001:db8::1')).status, 429)
})

t.test('a cookie that is changed, old or of other rules is none', async (t) => {
  let nowMs = 0
  const cookie = createCookie('session', true)
  const sessions = (purpose: string) =>
    createSessions({ seal: createSeal(key, purpose), cookie, seconds: 60, now: () => nowMs })
  const ours = sessions('rules')
  const set = ours.begin({ name: 'olga', role: 'operator' })
  t.match(set, /^__Host-session=[\w-]+; Path=\/; Max-Age=60; HttpOnly; SameSite=Lax; Secure$/)
  const [pair = ''] = set.split(';')
  t.match(ours.of(`a=b; ${pair}; c=d`), { name: 'olga', role: 'operator', endsAt: 60_000 })
  t.equal(sessions('other rules').of(pair), undefined)
  const value = pair.slice('__Host-session='.length)
  for (const at of [0, 20, value.length - 2]) {
    const flipped = `${value.slice(0, at)}${value[at] === 'A' ? 'B' : 'A'}${value.slice(at + 1)}`
    t.equal(ours.of(`__Host-session=${flipped}`), undefined)
  }
  for (const none of [
    undefined,
    '',
    '__Host-session=',
    '__Host-session=e30',
    'x-session=1',
    `session=${value}`,
  ])
    t.equal(ours.of(none), undefined)
  nowMs = 59_999
  t.ok(ours.of(pair))
  nowMs = 60_000
  t.equal(ours.of(pair), undefined)
})

t.test('roles go by rules over claims', async (t) => {
  const operators = (rule: Rule) => ({ readers: [], operators: [rule] })
  const claims = {
    sub: 'me',
    email: 'me@example.org',
    email_verified: true,
    groups: ['dev', '/platform/admins'],
    hd: 'example.org',
    realm_access: { roles: ['auditor'], 'a/b': 'c' },
    'https://example.org/role': 'boss',
    amr: true,
  }
  const yes: readonly Rule[] = [
    {},
    { email: '*@example.org' },
    { groups: 'dev' },
    { groups: '/platform/*' },
    { groups: '**admins', hd: 'example.org' },
    { '/realm_access/roles': 'auditor' },
    { '/realm_access/a~1b': 'c' },
    { 'https://example.org/role': 'boss' },
    { amr: true },
  ]
  const no: readonly Rule[] = [
    { email: '*@example.com' },
    { groups: '*admins' },
    { groups: 'dev', hd: 'other' },
    { missing: '**' },
    { '/realm_access/none': '**' },
    { '/sub/length': '**' },
    { constructor: '**' },
    { amr: false },
    { sub: true },
  ]
  for (const rule of yes) t.equal(roleOf(claims, operators(rule)), 'operator', JSON.stringify(rule))
  for (const rule of no) t.equal(roleOf(claims, operators(rule)), undefined, JSON.stringify(rule))
  const unverified = { ...claims, email_verified: false }
  t.equal(roleOf(unverified, operators({ email: '**' })), undefined, 'anybody can enter any address')
  t.equal(roleOf(claims, { readers: [{}], operators: [{ sub: 'you' }] }), 'reader')
  t.equal(nameOf(claims), 'me@example.org')
  t.equal(nameOf(unverified), 'me')
})

t.test('a file of issuers that lets in whom it should not is refused', async (t) => {
  const issuer = { url: 'https://issuer.example', clientId: 'console' }
  const file = (...issuers: readonly unknown[]) => JSON.stringify({ issuers })
  t.match(parseIssuers(file(issuer)), [
    { name: 'issuer.example', scope: 'openid email', readers: [], operators: [] },
  ])
  const wrong: readonly (readonly [string, RegExp])[] = [
    ['{', /is no JSON/],
    ['{"issuers":[],"issuers":[]}', /is no JSON/],
    [file(), /a list of 1 to 20/],
    [file({ ...issuer, reader: [] }), /issuers\[0\] has no member "reader"/],
    [file({ ...issuer, url: 'http://issuer.example' }), /url must be an https URL/],
    [file({ ...issuer, clientId: '' }), /clientId must be/],
    [file(issuer, { ...issuer, scopes: ['email'] }), /issuers\[1\]: scopes/],
    [file({ ...issuer, scopes: ['openid', 'a b'] }), /scopes/],
    [file({ ...issuer, readers: {} }), /readers must be a list/],
    [file({ ...issuer, operators: [{ email: ['*'] }] }), /operators: a rule is/],
  ]
  for (const [text, message] of wrong)
    t.throws(() => parseIssuers(text), { code: 'bad_settings', message }, text)
})

t.test('settings that do not go together end the start', async (t) => {
  const log = await openLog(t, [])
  const start = (settings: Readonly<Record<string, string>>) =>
    openConsole(t, log, { CONSOLE_ACCESS: 'oidc', ...settings })
  await t.rejects(start({}), /needs CONSOLE_ISSUERS_FILE and CONSOLE_PUBLIC_URL/)
  const issuers = { CONSOLE_ISSUERS_FILE: `${t.testdir({})}/none.json` }
  for (const url of ['http://console.example', 'https://console.example/path', 'https://me@console.example'])
    await t.rejects(start({ ...issuers, CONSOLE_PUBLIC_URL: url }), /CONSOLE_PUBLIC_URL must be https/, url)
  await t.rejects(
    start({ ...issuers, CONSOLE_PUBLIC_URL: 'https://console.example' }),
    /none\.json cannot be read \(ENOENT\)/,
  )
})

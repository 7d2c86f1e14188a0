/** Whole pages over a log of strangers: what they say, and that nothing in them is taken for anything but text. */

import { sha256Hex, utf8 } from '@sigstack/crypto'
import { parseTrustedRoot } from '@sigstack/trust-root'
import { artifactOfBytes, readBundle, verifyBundle } from '@sigstack/verification'
import t from 'tap'
import { pagePolicy } from '../src/html/send.ts'
import { withoutAddresses } from '../src/reader.ts'
import { openConsole, openLog, signedEntry, type ToldEntry } from './workshop.ts'

const script = '<script>document.title="owned"</script>'
const turned = 'alice\u202egro.live'

async function page(url: string, headers: Record<string, string> = {}) {
  const answer = await fetch(url, { headers: { accept: 'text/html', ...headers } })
  return { status: answer.status, headers: answer.headers, text: await answer.text(), url: answer.url }
}

const rpm = {
  apiVersion: '0.0.1',
  kind: 'rpm',
  spec: {
    package: {
      hash: { algorithm: 'sha256', value: 'ab'.repeat(32) },
      headers: { Name: script, Version: turned },
    },
  },
}

t.test('an entry is told in a sentence, and each check for itself', async (t) => {
  const { body, root } = await signedEntry('alice!example.org')
  const log = await openLog(
    t,
    [rpm, { body }, rpm].map((each) => ('body' in each ? each : { body: each })),
    { roots: [root] },
  )
  const { url } = await openConsole(t, log)
  const { text, status, headers } = await page(`${url}/entry/${log.uuids[1]}`)
  t.equal(status, 200)
  t.match(
    text,
    /<strong>alice!example\.org<\/strong>, as vouched for by <strong>https:\/\/issuer\.example<\/strong>/,
  )
  t.match(text, /number <strong>1<\/strong> of the log <strong>log\.example - 1193050959916656506</)
  t.same(
    [...text.matchAll(/data-check="(\w+)"><td><span class="state (\w+)"/g)].map(([, ...both]) => both),
    [
      ['signature', 'verified'],
      ['certificate', 'verified'],
      ['sct', 'unchecked'],
      ['promise', 'verified'],
      ['inclusion', 'verified'],
      ['checkpoint', 'verified'],
    ],
  )
  t.equal(headers.get('content-security-policy'), pagePolicy)

  await t.test('the bundle that is made of it verifies', async (t) => {
    const bundle = readBundle(await (await fetch(`${url}/entry/1/bundle`)).text())
    const artifact = artifactOfBytes(utf8('what is signed\n'))
    const trustedRoot = parseTrustedRoot(log.trustedRoot)
    const verified = await verifyBundle({ bundle, artifact, trustedRoot, signer: {}, ignoreSct: true })
    t.equal(verified.identity?.subject, 'alice!example.org')
  })

  await t.test('the same as data', async (t) => {
    const data = JSON.parse((await page(`${url}/entry/${log.uuids[1]}.json`)).text)
    t.match(data, {
      logIndex: '1',
      signers: [{ subjects: ['alice!example.org'], issuer: 'https://issuer.example' }],
    })
  })
})

t.test('what was changed on the way turns that check to failed, and no other', async (t) => {
  const { body, root } = await signedEntry('alice!example.org')
  const log = await openLog(t, [{ body }, { body: rpm }], { roots: [root] })
  const { url } = await openConsole(t, log)
  const failed = async (change: (entry: ToldEntry) => void) => {
    log.tamper(change)
    const { text } = await page(`${url}/entry/0`)
    return [...text.matchAll(/data-check="(\w+)"><td><span class="state failed"/g)].map(([, name]) => name)
  }
  const flip = (hex: string) => (hex.startsWith('0') ? '1' : '0') + hex.slice(1)
  t.same(await failed(() => {}), [])
  t.same(
    await failed(({ verification: { inclusionProof } }) => {
      inclusionProof.hashes[0] = flip(inclusionProof.hashes[0] ?? '')
    }),
    ['inclusion'],
  )
  t.same(
    await failed(({ verification: { inclusionProof } }) => {
      inclusionProof.rootHash = flip(inclusionProof.rootHash)
    }),
    ['inclusion', 'checkpoint'],
  )
  t.same(
    await failed((entry) => {
      entry.integratedTime += 1
    }),
    ['promise'],
  )
  t.same(
    await failed((entry) => {
      entry.integratedTime += 86_400
    }),
    ['certificate', 'promise'],
  )
  log.tamper((entry) => {
    entry.integratedTime = 9e12
  })
  t.equal((await page(`${url}/entry/0`)).status, 502, 'there is no such time')
})

t.test('texts of strangers are shown as texts', async (t) => {
  const name = `${script}${turned}!example.org`
  const { body, root } = await signedEntry(name)
  const statement = {
    _type: 'https://in-toto.io/Statement/v1',
    predicateType: `https://example.org/${script}`,
    subject: [{ name: script, digest: { sha256: 'ab'.repeat(32) } }],
    predicate: { text: script, more: 'x'.repeat(10 * 1024 * 1024) },
  }
  const intoto = {
    apiVersion: '0.0.1',
    kind: 'intoto',
    spec: { content: { payloadHash: { algorithm: 'sha256', value: script } } },
  }
  const log = await openLog(
    t,
    [
      { body },
      { body: rpm },
      { body: intoto, attestation: Buffer.from(JSON.stringify(statement)) },
      { body: { kind: script } },
    ],
    { roots: [root] },
  )
  const { url } = await openConsole(t, log)
  for (const path of [
    '/',
    '/search',
    '/entry/0',
    '/entry/1',
    '/entry/2',
    '/entry/3',
    `/search?q=${encodeURIComponent(script)}`,
  ]) {
    const { status, text } = await page(url + path)
    t.equal(status, 200, path)
    t.notMatch(text, script, path)
    t.notMatch(text, '\u202e', path)
    t.ok(text.length < 400_000, `${path} is no larger than ${text.length}`)
  }
  t.match((await page(`${url}/entry/0`)).text, '&lt;script&gt;')
  t.match((await page(`${url}/entry/0`)).text, 'alice<span class="odd">U+202E</span>gro.live')

  const download = await page(`${url}/entry/2/attestation`)
  t.equal(download.headers.get('content-type'), 'application/octet-stream')
  t.match(download.headers.get('content-disposition'), /^attachment/)
  const csv = await page(`${url}/search.csv`)
  t.notMatch(csv.text, /^[=+@-]/m)
  t.notMatch((await page(`${url}/search.atom`)).text, script)
})

t.test('a search leads to entries, and says how it was read', async (t) => {
  const log = await openLog(t, [{ body: rpm }])
  const { url } = await openConsole(t, log)
  const found = await page(`${url}/search?q=you@example.org`)
  t.match(found.text, 'Read as an e-mail address.')
  t.match(found.text, `/entry/${log.uuids[0]}`)
  t.equal((await page(`${url}/search?q=0`)).url, `${url}/entry/0`)
  t.equal((await page(`${url}/search?q=${log.uuids[0]}`)).url, `${url}/entry/${log.uuids[0]}`)
  t.equal((await page(`${url}/search?q=${log.uuids[0]?.slice(16)}`)).url, `${url}/entry/${log.uuids[0]}`)
  t.equal((await page(`${url}/search?q=7`)).status, 404)
  t.equal((await page(`${url}/nothing`)).status, 404)
})

t.test('a log of upstream has the plain index alone', async (t) => {
  const log = await openLog(t, [{ body: rpm }], { isUpstream: true })
  const { url } = await openConsole(t, log)
  const { text } = await page(`${url}/search?q=${'ab'.repeat(32)}&as=digest`)
  t.match(text, `/entry/${log.uuids[0]}`)
  t.match(text, 'knows neither filters nor order')
  t.match((await page(`${url}/search?q=3d:38:0d:26`)).text, 'cannot be asked for the serial number')
})

t.test('a log that is down is told as such', async (t) => {
  const { url } = await openConsole(t, { url: 'http://127.0.0.1:9', trustedRoot: '{}' })
  const { status, text } = await page(`${url}/entry/0`)
  t.equal(status, 503)
  t.match(text, 'does not answer')
  t.equal((await page(url)).status, 200, 'the front page is there')
  const log = await page(`${url}/log`)
  t.equal(log.status, 200, 'and that of the logs')
  t.match(log.text, 'cannot be told now: the service does not answer')
})

t.test('readers are named by the proxy alone, and addresses are for operators', async (t) => {
  const { body, root } = await signedEntry('alice@example.org!example.org')
  const log = await openLog(t, [{ body: { ...(body as object), subjects: ['alice@example.org'] } }], {
    roots: [root],
  })
  const settings = {
    CONSOLE_ACCESS: 'header',
    CONSOLE_OPERATORS: 'olga',
    CONSOLE_HIDE_ADDRESSES: '1',
  }
  const { url } = await openConsole(t, log, { ...settings, CONSOLE_TRUSTED_PROXIES: '127.0.0.1' })
  t.equal((await page(url)).status, 401, 'nobody is named')
  t.equal((await page(`${url}/healthz`)).status, 200)
  const reader = { 'x-forwarded-user': 'rita' }
  const operator = { 'x-forwarded-user': 'olga' }
  for (const path of ['/', '/entry/0', '/entry/0.json', '/search.csv', '/search.atom', '/search.json']) {
    t.notMatch((await page(url + path, reader)).text, 'alice@', path)
    t.match((await page(url + path, operator)).text, 'alice@', path)
  }
  t.equal((await page(`${url}/entry/0/body`, reader)).status, 404)
  t.equal((await page(`${url}/entry/0/body`, operator)).status, 200)

  const elsewhere = await openConsole(t, log, { ...settings, CONSOLE_TRUSTED_PROXIES: '192.0.2.1' })
  t.equal((await page(elsewhere.url, operator)).status, 401, 'from elsewhere the header is what anybody says')
})

t.test('what may differ by who reads is kept by nobody, as a page or as data', async (t) => {
  const log = await openLog(t, [{ body: rpm }])
  const { url } = await openConsole(t, log)
  const paths = [
    '/',
    '/search.json',
    '/search.csv',
    '/search.atom',
    '/entry/0.json',
    '/entry/0/body',
    '/health',
  ]
  for (const path of paths)
    t.equal((await page(`${url}${path}`)).headers.get('cache-control'), 'no-store', path)
  const { headers } = await page(`${url}/health`, { accept: 'application/json' })
  t.equal(headers.get('cache-control'), 'no-store')
})

t.test('of an address the domain stays, and what is none is left alone', async (t) => {
  const cases = {
    'alice@example.org and bob@localhost': '…@example.org and …@localhost',
    'mailto:a.b+c@mail.example.org': 'mailto:…@mail.example.org',
    'ssh://git@host.example/repo': 'ssh://…@host.example/repo',
    'https://g.example/a/.ci/b.yml@refs/heads/main': 'https://g.example/a/.ci/b.yml@refs/heads/main',
    'r.example/app@sha256:ab': 'r.example/app@sha256:ab',
    '@': '@',
  }
  for (const [text, expected] of Object.entries(cases)) t.equal(withoutAddresses(text), expected)
})

t.test('assets are small, known by their digest, and not sent twice', async (t) => {
  const { url } = await openConsole(t, await openLog(t, []))
  const first = await fetch(`${url}/assets/console.css`)
  t.equal(first.headers.get('content-encoding'), 'gzip')
  const tag = first.headers.get('etag') ?? ''
  t.equal((await fetch(`${url}/assets/console.css`, { headers: { 'if-none-match': tag } })).status, 304)
  t.equal(sha256Hex(await first.bytes()).length, 64)
})

/** Entries of Rekor v2 and certificates: the same words, checks and proof, out of the tiles of the log. */
import { createSigner, generateSigningKey, sha256, utf8 } from '@sigstack/crypto'
import { buildTrustedRoot, parseTrustedRoot } from '@sigstack/trust-root'
import t from 'tap'
import { signerAmong } from '../src/tree/checks.ts'
import { openTileLog } from './tile-log.ts'
import { entryOf, openAuthority, openTreeConsole } from './tree-workshop.ts'

const script = '<script>document.title="owned"</script>'
async function get(url: string, headers: Record<string, string> = { accept: 'text/html' }) {
  const answer = await fetch(url, { headers, redirect: 'manual' })
  return { status: answer.status, text: await answer.text(), to: answer.headers.get('location') }
}

async function statesAt(url: string): Promise<Readonly<Record<string, string>>> {
  const { checks } = JSON.parse((await get(`${url}.json`)).text)
  return Object.fromEntries(checks.map(({ name, state }: { name: string; state: string }) => [name, state]))
}

const other = (leaf: Uint8Array): Uint8Array => leaf.map((byte, at) => (at === 0 ? byte ^ 1 : byte))

t.test('an entry of Rekor v2 is told in a sentence, and each check for itself', async (t) => {
  const { leaf, root } = await entryOf(`${script}!example.org`)
  const log = await openTileLog(t, [utf8('{}'), leaf, utf8('none of its kind')])
  const { url } = await openTreeConsole(t, 'rekor-v2', log, { roots: [root] })
  const { status, text } = await get(`${url}/entry/rekor-v2/1`)
  t.equal(status, 200)
  for (const part of [
    '&lt;script&gt;',
    'vouched for by <strong>https://issuer.example</strong>',
    'number <strong>1</strong> of the log <strong>tiles.example</strong>, whose entries hold no times',
    `sha256:${Buffer.from(sha256('what is signed\n')).toString('hex')}`,
    'hashedrekord 0.0.2',
    'curl -s https://tiles.example/tile/entries/000.p/3',
    'href="/entry/rekor-v2/0"',
    'href="/entry/rekor-v2/2"',
  ])
    t.match(text, part)
  t.notMatch(text, script)
  t.same(await statesAt(`${url}/entry/rekor-v2/1`), {
    signature: 'verified',
    certificate: 'verified',
    sct: 'unchecked',
    inclusion: 'verified',
    checkpoint: 'verified',
  })
  t.same(Buffer.from(await (await fetch(`${url}/entry/rekor-v2/1/leaf`)).arrayBuffer()), Buffer.from(leaf))
  t.match((await get(`${url}/entry/rekor-v2/2`)).text, 'cannot be read as an entry')
  for (const path of ['3', '18446744073709551616', '-1', 'x', '3/leaf'])
    t.equal((await get(`${url}/entry/rekor-v2/${path}`)).status, 404, path)

  await t.test('what was changed on the way turns that check to failed, and no other', async (t) => {
    log.give([utf8('{}'), other(leaf), utf8('')])
    t.match(await statesAt(`${url}/entry/rekor-v2/1`), { inclusion: 'failed', checkpoint: 'verified' })
    log.give([utf8('{}'), leaf, utf8('')])
    log.signWith(createSigner(generateSigningKey()))
    t.match(await statesAt(`${url}/entry/rekor-v2/1`), { inclusion: 'verified', checkpoint: 'failed' })
  })
})

t.test('the key of a log is read once for all pages', async (t) => {
  const { publicKey, headAt } = await openTileLog(t, [utf8('a'), utf8('b')])
  const validFor = { start: new Date('2026-01-01T00:00:00Z') }
  const nothing = { certificateAuthorities: [], ctlogs: [], timestampAuthorities: [] }
  const log = { baseUrl: 'https://tiles.example', publicKey, validFor }
  const { tlogs } = parseTrustedRoot(buildTrustedRoot({ tlogs: [log], ...nothing }))
  const [one, other] = [await signerAmong(tlogs, await headAt(1)), await signerAmong(tlogs, await headAt(2))]
  t.same(one?.publicKey.spki, publicKey.spki)
  t.equal(one?.publicKey, other?.publicKey, 'the same key, not an equal one')
  const unread = tlogs.map((each) => ({ ...each, publicKey: utf8('no key') }))
  t.equal(await signerAmong(unread, await headAt(1)), undefined, 'a key that cannot be read signs nothing')
})

t.test('a certificate is told in words, and whether a trusted authority issued it', async (t) => {
  const ca = await openAuthority()
  const [one, two] = [await ca.precertify(`${script}!example.org`), await ca.precertify('bob!example.org')]
  const log = await openTileLog(t, [one.leaf, two.leaf, utf8('no certificate')])
  const { url } = await openTreeConsole(t, 'ct', log, { roots: [ca.root] })
  const certificateAt = async (index: number) => (await statesAt(`${url}/entry/ct/${index}`))['certificate']
  t.equal(await certificateAt(0), 'unchecked', 'the precertificate stands beside the leaf')
  log.keep([one.extra, two.extra])
  t.same(await statesAt(`${url}/entry/ct/0`), {
    certificate: 'verified',
    inclusion: 'verified',
    checkpoint: 'verified',
  })
  const { text } = await get(`${url}/entry/ct/0`)
  for (const part of [
    '&lt;script&gt;',
    'got a certificate to sign with',
    'The log took it on <time datetime="2026-03-01T12:00:00.000Z">',
    'What is logged is the precertificate',
    'href="/search?q=07&amp;as=serial"',
    'get-entry-and-proof?leaf_index=0&amp;tree_size=3',
  ])
    t.match(text, part)
  t.notMatch(text, script)
  log.keep([two.extra])
  t.equal(await certificateAt(0), 'failed', 'it is another one')
  log.keep([utf8('no extra data')])
  t.equal(await certificateAt(0), 'unchecked')
  t.match((await get(`${url}/entry/ct/2`)).text, 'cannot be read as a certificate')
  const stranger = await openTreeConsole(t, 'ct', log, { roots: [(await openAuthority()).root] })
  log.keep([one.extra])
  t.equal((await statesAt(`${stranger.url}/entry/ct/0`))['certificate'], 'failed')
})

t.test('a log of certificates signs its heads in two ways, and both are checked', async (t) => {
  const log = await openTileLog(t, [utf8('leaf')], { ctTimeMs: Date.parse('2026-03-01T11:00:00Z') })
  const { url } = await openTreeConsole(t, 'ct', log, { roots: [] })
  const own =
    /<span class="state (\w+)">.{0,60}<\/td><td>tiles\.example<\/td><td>.{0,60}<\/td><td>the log<\/td><td>(.*?)<\/td>/g
  const lines = async () =>
    [...(await get(`${url}/log`)).text.matchAll(own)].map(([, state, time]) => [
      state,
      /2026-03-01 11:00:00/.test(time ?? ''),
    ])
  t.same(await lines(), [
    ['verified', false],
    ['verified', true],
  ])
  log.signWith(createSigner(generateSigningKey()))
  t.same(await lines(), [
    ['failed', false],
    ['failed', false],
  ])
})

t.test('readers see no bytes where addresses are hidden', async (t) => {
  const { leaf, root } = await entryOf('alice')
  const log = await openTileLog(t, [leaf])
  const { url } = await openTreeConsole(t, 'rekor-v2', log, {
    roots: [root],
    settings: { CONSOLE_HIDE_ADDRESSES: '1' },
  })
  const { text } = await get(`${url}/entry/rekor-v2/0`)
  t.match(text, 'shown to operators alone')
  t.notMatch(text, '/leaf"')
  t.equal((await get(`${url}/entry/rekor-v2/0/leaf`)).status, 404)
  t.notOk('leaf' in JSON.parse((await get(`${url}/entry/rekor-v2/0.json`)).text))
})

t.test('a search finds entries of Rekor v2 where the console has their log', async (t) => {
  const log = await openTileLog(t, [utf8('{}')])
  const told = {
    log: 'rekor-v2',
    logIndex: 7,
    integratedTime: 1_772_366_400,
    kind: 'hashedrekord',
    subjects: ['bob@example.org'],
    issuers: [],
    keyHashes: ['ab'],
  }
  const beside = [
    { ...told, origin: log.origin },
    { ...told, origin: script, logIndex: 8 },
  ]
  const { url } = await openTreeConsole(t, 'rekor-v2', log, { roots: [], beside })
  for (const path of ['/', '/search?q=bob@example.org']) {
    const { text } = await get(url + path)
    t.match(text, '<a href="/entry/rekor-v2/7">7</a> <span class="quiet">of tiles.example</span>', path)
    t.match(text, '<td class="number">8 <span', 'a number of another tree would lead to another entry')
    t.match(text, /<a href="\/entry\/[0-9a-f]{80}">1<\/a><\/td>/, path)
    t.notMatch(text, script, path)
  }
  const { entries } = JSON.parse((await get(`${url}/search.json?q=bob@example.org`)).text)
  t.match(entries[0], { origin: 'tiles.example', path: '/entry/rekor-v2/7', logIndex: '7' })
  t.match((await get(`${url}/search.csv?q=bob@example.org`)).text, /,,tiles\.example\r\n/)
  const feed = (await get(`${url}/search.atom?q=bob@example.org`)).text
  t.match(feed, `<link rel="alternate" href="${url}/entry/rekor-v2/7"/>`)
  t.notMatch(feed, script)
  t.notMatch((await get(`${url}/log/tail`)).text, 'tiles.example', 'which has numbers of Rekor v1')
  t.match((await get(`${url}/log/tail`)).text, /<a href="\/entry\/[0-9a-f]{80}">1<\/a>/)

  const without = await openTreeConsole(t, 'ct', log, { roots: [], beside })
  t.notMatch((await get(without.url)).text, 'tiles.example')
})

t.test('an entry of Rekor v1 is found by its tree too', async (t) => {
  const log = await openTileLog(t, [])
  const { url } = await openTreeConsole(t, 'ct', log, { roots: [] })
  t.match(await get(`${url}/entry/1193050959916656506/1`), { status: 303, to: '/entry/1' })
  t.equal((await get(`${url}/entry/7/1`)).status, 404)
  t.equal((await get(`${url}/entry/ct/0`)).status, 404, 'of an empty log')
  t.equal((await get(`${url}/entry/rekor-v2/0`)).status, 404, 'of a log that is not there')
})

t.test('a log that is down, or is none, is told as such', async (t) => {
  const log = await openTileLog(t, [utf8('{}')])
  const { url } = await openTreeConsole(t, 'rekor-v2', { ...log, url: 'http://127.0.0.1:9' }, { roots: [] })
  t.equal((await get(`${url}/entry/rekor-v2/0`)).status, 503)
})

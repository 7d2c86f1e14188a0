/** A console that is told of no log of Rekor v1: the search, the page of the log and the tail of the others. */
import { utf8 } from '@sigstack/crypto'
import t from 'tap'
import { createNewest } from '../src/log/newest.ts'
import { pastOfCt } from '../src/log/past.ts'
import { createTreeLog } from '../src/sources/tree-log.ts'
import { openTileLog } from './tile-log.ts'
import { entryOf, openAuthority } from './tree-workshop.ts'
import { now, openConsole } from './workshop.ts'

const none = { url: '', trustedRoot: '{}' }
const seconds = now.getTime() / 1000

async function get(url: string) {
  const answer = await fetch(url, { redirect: 'manual', headers: { accept: 'text/html' } })
  return { status: answer.status, text: await answer.text(), to: answer.headers.get('location') }
}

t.test('a log of Rekor v2 alone is searched, shown and followed', async (t) => {
  const { leaf } = await entryOf('alice!example.org')
  const found = {
    log: 'rekor-v2',
    origin: 'tiles.example',
    logIndex: 1,
    integratedTime: seconds,
    kind: 'dsse',
    subjects: ['bob@example.org'],
    issuers: [],
    keyHashes: [],
  }
  const log = await openTileLog(t, [utf8('none'), leaf], { found: [found] })
  const { url } = await openConsole(t, none, { CONSOLE_REKOR_V2_URL: log.url })
  for (const path of ['/', '/search?q=bob@example.org']) {
    const { status, text } = await get(url + path)
    t.equal(status, 200, path)
    t.match(text, '<a href="/entry/rekor-v2/1">1</a>', path)
  }
  t.equal((await get(`${url}/search?q=1`)).to, '/entry/rekor-v2/1')
  for (const path of ['/entry/1', `/entry/${'ab'.repeat(40)}`, '/entry/7/1'])
    t.equal((await get(url + path)).status, 404, path)
  const page = await get(`${url}/log`)
  t.match(page.text, 'Rekor v2: entries an hour, the last 24')
  t.match(page.text, '<a href="/log/tail?log=rekor-v2">')
  t.notMatch(page.text, 'cannot be told')
  const tail = await get(`${url}/log/tail`)
  t.match(tail.text, /href="\/entry\/rekor-v2\/1">1<\/a><\/td><td>not known<\/td><td>hashedrekord/)
  t.equal((await get(`${url}/log/tail?log=ct`)).status, 404)
  t.equal((await get(`${url}/log/events?log=rekor-v1`)).status, 404)
})

t.test('a log of Rekor v2 without a search says so, and shows its newest entries', async (t) => {
  const { leaf } = await entryOf('alice!example.org')
  const log = await openTileLog(t, [leaf])
  const { url } = await openConsole(t, none, { CONSOLE_REKOR_V2_URL: log.url })
  t.match((await get(url)).text, '<a href="/entry/rekor-v2/0">0</a>')
  const { status, text } = await get(`${url}/search?q=bob@example.org`)
  t.equal(status, 200)
  t.match(text, 'cannot be asked for an e-mail address')
})

t.test('a log of certificates alone is shown and followed', async (t) => {
  const { precertify } = await openAuthority()
  const { leaf } = await precertify('alice!example.org')
  const log = await openTileLog(t, [utf8('none'), leaf, utf8('none'), leaf])
  const { url } = await openConsole(t, none, { CONSOLE_CT_URL: log.url })
  t.match((await get(url)).text, '<a href="/entry/ct/3">3</a>')
  t.equal((await get(`${url}/search?q=3`)).to, '/entry/ct/3')
  t.equal((await get(`${url}/log`)).status, 200)
  t.match((await get(`${url}/log/tail`)).text, 'precertificate')

  const leaving = new AbortController()
  const events = await fetch(`${url}/log/events?log=ct`, {
    headers: { 'last-event-id': '2' },
    signal: leaving.signal,
  })
  let text = ''
  for await (const part of events.body as unknown as AsyncIterable<Uint8Array>) {
    text += Buffer.from(part).toString()
    if (/^id: 3\ndata: .*\n/m.test(text)) break
  }
  leaving.abort()
  t.match(JSON.parse(/^data: (.*)$/m.exec(text)?.[1] ?? ''), {
    path: '/entry/ct/3',
    logged: now.toISOString(),
    subjects: ['alice!example.org'],
    issuers: ['https://issuer.example'],
  })
})

t.test('the newest leaves are read once for a head, across bundles', async (t) => {
  const leaves = Array.from({ length: 300 }, (_, at) => utf8(`leaf ${at}`))
  const log = await openTileLog(t, leaves)
  const newest = createNewest({ urls: { ct: log.url } }).get('ct')
  const entries = (await newest?.(50)) ?? []
  t.same(
    entries.map(({ logIndex }) => logIndex),
    Array.from({ length: 50 }, (_, at) => BigInt(299 - at)),
  )
  t.equal((await newest?.(1_000))?.length, 300)
  log.give([])
  t.same(await newest?.(50), entries, 'fewer are those that were read, while the log does not grow')
})

t.test('where a log of certificates was at a time is found by its leaves', async (t) => {
  const { precertify } = await openAuthority()
  const times = [10, 20, 20, 30]
  const leaves = await Promise.all(
    times.map(async (timeMs) => {
      const leaf = Buffer.from((await precertify('alice!example.org')).leaf)
      leaf.writeBigUInt64BE(BigInt(timeMs), 2)
      return leaf
    }),
  )
  const log = await openTileLog(t, leaves)
  const past = pastOfCt(log.url, createTreeLog(log.url))
  const size = await past.size()
  t.equal(size, 4n)
  for (const [timeMs, index] of [
    [0, 0n],
    [10, 0n],
    [11, 1n],
    [20, 1n],
    [21, 3n],
    [31, 4n],
  ] as const)
    t.equal(await past.indexAt(timeMs, size), index, String(timeMs))
  const odd = await openTileLog(t, [utf8('none')])
  t.equal(await pastOfCt(odd.url, createTreeLog(odd.url)).indexAt(1, 1n), undefined)
})

t.test('a console without any log does not start', async (t) => {
  await t.rejects(openConsole(t, none), /there is no log to show/)
})

/** Search keys made on all cores: the same as on one, in any order, and with an end when a thread breaks. */
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import type { KeyedEntry, PageKeys } from '../src/search/key-messages.ts'
import { createKeyThreads } from '../src/search/key-threads.ts'
import { storedKeysOf } from '../src/search/stored-keys.ts'

const logId = new Uint8Array(32).fill(7)

/** A hashedrekord's body as far as keys go, what is no JSON, and entries whose keys are kept beside them. */
function entryAt(index: number): KeyedEntry {
  const hash = index.toString(16).padStart(64, '0')
  const spec = {
    data: { hash: { algorithm: 'sha256', value: hash } },
    signature: { content: 'AA==', publicKey: { content: 'AA==' } },
  }
  const body = JSON.stringify({ apiVersion: '0.0.1', kind: 'hashedrekord', spec })
  const leaf = Buffer.from(index % 5 === 0 ? 'no JSON' : body)
  const extra =
    index % 3 === 0 ? Buffer.from(JSON.stringify([`sha256:${hash}`, `a${index}@example.org`])) : undefined
  return { leafIndex: BigInt(index), leaf, extra }
}

const pageAt = (start: number, count: number) => Array.from({ length: count }, (_, i) => entryAt(start + i))

t.test('the keys of every page are those that one thread makes', async (t) => {
  const taken: PageKeys[] = []
  const threads = createKeyThreads({ logId, threads: 2, onKeys: (keys) => void taken.push(keys) })
  t.teardown(() => threads.stop())
  const pages = [
    pageAt(0, 600),
    pageAt(600, 700),
    pageAt(1300, 10),
    pageAt(1310, 2048),
    pageAt(3358, 0),
    pageAt(3358, 512),
  ]
  for (const page of pages) await threads.push(page)
  await threads.drain()
  t.equal(taken.length, pages.length)
  const found = new Map(
    taken.flatMap(({ entries }) => entries.map(({ leafIndex, keys }) => [leafIndex, keys])),
  )
  let unreadable = 0
  const expected = pages
    .flat()
    .map((entry) => [entry.leafIndex, [...storedKeysOf(logId, entry, () => unreadable++)]] as const)
  t.equal(found.size, expected.length)
  t.ok(expected.some(([, keys]) => keys.length > 0))
  t.same(
    expected.filter(([index, keys]) => String(found.get(index)) !== String(keys)),
    [],
  )
  t.ok(unreadable > 0)
  t.equal(
    taken.reduce((sum, page) => sum + page.unreadable, 0),
    unreadable,
  )
})

t.test('no more pages are taken in than there is room for', async (t) => {
  let open = 0
  let most = 0
  const threads = createKeyThreads({
    logId,
    threads: 1,
    onKeys: async () => {
      most = Math.max(most, ++open)
      await new Promise((resolve) => setTimeout(resolve, 5))
      open--
    },
  })
  for (let i = 0; i < 10; i++) await threads.push(pageAt(i, 1))
  await threads.drain()
  t.ok(most <= 2, `${most} at once`)
})

t.test('trouble ends the work instead of being passed over', async (t) => {
  const refusing = createKeyThreads({
    logId,
    onKeys: () => Promise.reject(new Error('the database is full')),
  })
  await refusing.push(pageAt(0, 1))
  await t.rejects(refusing.drain(), /the database is full/)
  await t.rejects(refusing.push(pageAt(1, 1)), /the database is full/)

  const broken = path.join(t.testdir({}), 'broken.mjs')
  for (const [text, message] of [
    [`throw new Error('no memory')`, /no memory/],
    ['process.exit(3)', /a thread that makes search keys broke off/],
  ] as const) {
    writeFileSync(broken, text)
    const script = new URL(`?${text.length}`, pathToFileURL(broken))
    const threads = createKeyThreads({ logId, script, onKeys: () => {} })
    await threads.push(pageAt(0, 600))
    await t.rejects(threads.drain(), message)
    await threads.stop()
  }
})

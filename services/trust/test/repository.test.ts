import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createSigner, generateSigningKey, utf8 } from '@sigstack/crypto'
import { createLogger, createRegistry } from '@sigstack/server'
import type { Target, WantedRoot } from '@sigstack/tuf'
import t, { type Test } from 'tap'
import { Updater } from 'tuf-js'
import { defaultLifetimes } from '../src/config.ts'
import { createMetrics } from '../src/metrics.ts'
import { openRepository } from '../src/repository/repository.ts'

const logger = createLogger({ name: 'trust', level: 'silent' })
const day = 86_400_000
const signer = () => createSigner(generateSigningKey())
const [rootSigner, onlineSigner, otherOnlineSigner] = [signer(), signer(), signer()]
const keys: WantedRoot = { rootSigners: [rootSigner], formerRootSigners: [], threshold: 1, onlineSigner }

function open(folder: string, more: { readonly keys?: WantedRoot; readonly now?: () => Date } = {}) {
  return openRepository({
    folder,
    lifetimes: defaultLifetimes,
    openKeys: async () => more.keys ?? keys,
    now: more.now ?? (() => new Date()),
    logger,
    metrics: createMetrics(createRegistry({ processMetrics: false })),
  })
}

const trust = (content: string): readonly Target[] => [
  { name: 'trusted_root.json', content: utf8(content) },
  {
    name: 'rekor.pub',
    content: utf8('key'),
    sigstore: { usage: 'Rekor', status: 'Active', uri: 'https://r' },
  },
]

/** A client that we did not write, over HTTP, with a memory of its own. */
async function startClient(t: Test, folder: string) {
  const repository = await open(folder)
  const contentOf = async (path: string) => {
    const file = path === 'timestamp.json' ? `${await repository.newest('timestamp')}.timestamp.json` : path
    return readFileSync(join(folder, file))
  }
  const server = createServer((request, response) => {
    contentOf((request.url ?? '').slice(1)).then(
      (content) => response.end(content),
      () => response.writeHead(404).end(),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const memory = `${folder}-client`
  mkdirSync(join(memory, 'targets'), { recursive: true })
  // What it remembers from before stays.
  if (!existsSync(join(memory, 'root.json'))) cpSync(join(folder, '1.root.json'), join(memory, 'root.json'))
  return async (): Promise<string> => {
    const updater = new Updater({
      metadataDir: memory,
      metadataBaseUrl: url,
      targetDir: join(memory, 'targets'),
      targetBaseUrl: `${url}/targets`,
    })
    const info = await updater.getTargetInfo('trusted_root.json')
    return info === undefined ? 'no such target' : readFileSync(await updater.downloadTarget(info), 'utf8')
  }
}

/** Of the file for a role under a number, what it says. */
function signed(folder: string, name: string) {
  return JSON.parse(readFileSync(join(folder, name), 'utf8')).signed
}

t.test('what changes is published under the next numbers, and a client follows', async (t) => {
  const folder = join(t.testdir(), 'tuf')
  const repository = await open(folder)
  t.notOk(repository.isPublished())
  await repository.update(trust('one'))
  t.ok(repository.isPublished())
  const read = await startClient(t, folder)
  t.equal(await read(), 'one')
  const before = readdirSync(folder)
  await repository.update(trust('one'))
  t.same(readdirSync(folder), before, 'the same trust is the same files')
  await repository.update(trust('two'))
  t.equal(await read(), 'two')
  t.match(
    ['root', 'targets', 'snapshot', 'timestamp'].map((role) =>
      readdirSync(folder).filter((name) => name.endsWith(`${role}.json`)),
    ),
    [
      ['1.root.json'],
      ['1.targets.json', '2.targets.json'],
      ['1.snapshot.json', '2.snapshot.json'],
      ['1.timestamp.json', '2.timestamp.json'],
    ],
  )
  t.same(signed(folder, '2.targets.json').targets['rekor.pub'].custom, {
    sigstore: { usage: 'Rekor', status: 'Active', uri: 'https://r' },
  })
})

t.test('metadata is renewed as time goes, so that a client never meets an expired one', async (t) => {
  const folder = join(t.testdir(), 'tuf')
  let now = new Date(Date.now() - 8 * day)
  const repository = await open(folder, { now: () => now })
  await repository.update(trust('one'))
  const read = await startClient(t, folder)
  await t.rejects(read(), { message: /timestamp\.json is expired/ }, 'this one is a week old')
  now = new Date()
  await repository.update(trust('one'))
  t.equal(await read(), 'one')
  t.equal(await repository.newest('timestamp'), 2)

  now = new Date(now.getTime() + 200 * day)
  await repository.update(trust('one'))
  t.equal(await repository.newest('root'), 2)
  for (const name of ['2.root.json', '2.targets.json', '2.snapshot.json', '3.timestamp.json'])
    t.ok(Date.parse(signed(folder, name).expires) > now.getTime(), name)
})

t.test('a publication that stops after any of its files leaves a repository that works', async (t) => {
  const base = t.testdir()
  const [before, after] = [join(base, 'before'), join(base, 'after')]
  const first = await open(before)
  await first.update(trust('one'))
  cpSync(before, after, { recursive: true })
  const changed: WantedRoot = { ...keys, onlineSigner: otherOnlineSigner }
  await (await open(after, { keys: changed })).update(trust('two'))
  const targets = readdirSync(join(after, 'targets')).filter(
    (name) => !readdirSync(join(before, 'targets')).includes(name),
  )
  t.equal(targets.length, 1)
  const written = [
    `targets/${targets[0]}`,
    '2.targets.json',
    '2.snapshot.json',
    '2.root.json',
    '2.timestamp.json',
  ]

  for (let count = 0; count <= written.length; count++) {
    const folder = join(base, `stopped-${count}`)
    cpSync(before, folder, { recursive: true })
    for (const path of written.slice(0, count)) cpSync(join(after, path), join(folder, path))
    const left = new Map(
      written.slice(0, count).map((path) => [path, readFileSync(join(folder, path), 'utf8')]),
    )
    const read = await startClient(t, folder)
    // A new root with other keys and no timestamp of theirs is the one state that a client has to wait for.
    if (count < 4) t.equal(await read(), 'one', `after ${count} files`)

    await (await open(folder, { keys: changed })).update(trust('two'))
    t.equal(await read(), 'two', `taken up after ${count} files`)
    for (const [path, text] of left)
      t.equal(readFileSync(join(folder, path), 'utf8'), text, `${path} is as it was`)
  }
})

t.test('several writers at once share one row of numbers', async (t) => {
  const folder = join(t.testdir(), 'tuf')
  await (await open(folder)).update(trust('first'))
  const writers = await Promise.all(Array.from({ length: 3 }, () => open(folder)))
  const read = await startClient(t, folder)
  for (let turn = 0; turn < 8; turn++) {
    // Who finds the others faster every time leaves it to the next turn.
    await Promise.allSettled(writers.map((writer, index) => writer.update(trust(`${turn} by ${index}`))))
    t.match(await read(), new RegExp(`^${turn} by `), 'a client finds no number that went back')
  }
  const numbers = readdirSync(folder).flatMap((name) => /^(\d+)\.timestamp/.exec(name)?.[1] ?? [])
  const newest = Math.max(...numbers.map(Number))
  t.equal(numbers.length, newest, 'no number is left out')
  let last = { targets: 0, snapshot: 0 }
  for (let number = 1; number <= newest; number++) {
    const snapshot: number = signed(folder, `${number}.timestamp.json`).meta['snapshot.json'].version
    const targets: number = signed(folder, `${snapshot}.snapshot.json`).meta['targets.json'].version
    t.ok(snapshot >= last.snapshot && targets >= last.targets, `timestamp ${number} names nothing older`)
    last = { targets, snapshot }
  }
})

t.test('a writer with other keys stops when another copy has moved on', async (t) => {
  const folder = join(t.testdir(), 'tuf')
  const old = await open(folder)
  await old.update(trust('one'))
  const moved = await open(folder, { keys: { ...keys, onlineSigner: otherOnlineSigner } })
  await moved.update(trust('one'))
  t.equal(await old.newest('root'), 2, 'what others publish is served')
  await t.rejects(old.update(trust('two')), { code: 'repository_unusable', message: /restart this one/ })
  const elsewhere: WantedRoot = { ...keys, rootSigners: undefined }
  await t.rejects(open(folder, { keys: elsewhere }), { message: /the root names another online key/ })
})

t.test('after going back to an older state, another online key makes clients follow again', async (t) => {
  const folder = join(t.testdir(), 'tuf')
  const repository = await open(folder)
  await repository.update(trust('one'))
  cpSync(folder, `${folder}-backup`, { recursive: true })
  for (const text of ['two', 'three', 'four']) await repository.update(trust(text))
  const read = await startClient(t, folder)
  t.equal(await read(), 'four')
  rmSync(folder, { recursive: true })
  cpSync(`${folder}-backup`, folder, { recursive: true })
  await (await open(folder)).update(trust('five'))
  const readAgain = await startClient(t, folder)
  await t.rejects(readAgain(), { message: /less than current version 4/ })
  await (await open(folder, { keys: { ...keys, onlineSigner: otherOnlineSigner } })).update(trust('six'))
  t.equal(await (await startClient(t, folder))(), 'six')
})

t.test('a folder that lacks what it names is refused with the name', async (t) => {
  const folder = join(t.testdir(), 'tuf')
  const repository = await open(folder)
  await repository.update(trust('one'))
  rmSync(join(folder, '1.snapshot.json'))
  await t.rejects(repository.update(trust('two')), {
    message: /1\.snapshot\.json is missing; restore the folder/,
  })
  const empty = `${folder}-empty`
  mkdirSync(empty, { recursive: true })
  await t.rejects(open(empty, { keys: { ...keys, rootSigners: undefined } }), { message: /no root key/ })
})

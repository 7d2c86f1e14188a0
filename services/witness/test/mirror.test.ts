/** The mirror over HTTP: the statuses of C2SP tlog-mirror, and that it signs only what it has. */
import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { parseCheckpoint, parseNoteKey, verifyLines } from '@sigstack/checkpoint'
import { concatBytes } from '@sigstack/crypto'
import { emptyTree, growTree, leafHash, tileHashes } from '@sigstack/merkle'
import t, { type Test } from 'tap'
import { boundAtOnce } from '../src/routes/bound-at-once.ts'
import { openWitness, type TestLog, type TestWitness, testLog } from './support.ts'

const origin = 'log.example/1'
const originHash = createHash('sha256').update(origin).digest('hex')

type TestMirror = TestWitness & {
  upload(body: Uint8Array): ReturnType<TestWitness['post']>
  read(path: string): Promise<{ status: number; bytes: Buffer }>
}

async function openMirror(
  t: Test,
  log: TestLog,
  options: Parameters<typeof openWitness>[2] = {},
): Promise<TestMirror> {
  const settings = { WITNESS_MIRROR_NAME: 'mirror.example' }
  return asMirror(await openWitness(t, [log.vkey], { settings, ...options }))
}

function asMirror(witness: TestWitness): TestMirror {
  return {
    ...witness,
    upload: (body) => witness.post('/add-entries', body, { 'content-type': 'application/octet-stream' }),
    read: async (path) => {
      const answer = await fetch(`${witness.url}/mirror/${originHash}/${path}`)
      return { status: answer.status, bytes: Buffer.from(await answer.arrayBuffer()) }
    },
  }
}

async function grow(mirror: TestMirror, log: TestLog, oldSize: number, size: number): Promise<void> {
  const { status } = await mirror.add(await log.submission(oldSize, size))
  if (status !== 200) throw new Error(`the checkpoint of ${size} was refused with ${status}`)
}

t.test('a log is copied, signed when it is whole, and read by tiles', async (t) => {
  const log = testLog(origin)
  const mirror = await openMirror(t, log)
  const keys = mirror.mirrorVerifierKeys.map(parseNoteKey)
  let size = 0
  for (const next of [1, 5, 256, 300, 700]) {
    await grow(mirror, log, size, next)
    const before = await mirror.read('checkpoint')
    const { status, body } = await mirror.upload(log.upload(size, next))
    t.equal(status, 200, `${size} to ${next}`)
    const note = (await log.checkpoint(next)) + body
    const lines = await verifyLines(parseCheckpoint(note), keys)
    t.strictSame(
      lines.map(({ key }) => [key.name, key.kind]),
      [
        ['mirror.example', 'cosignature'],
        ['mirror.example', 'ml-dsa-44'],
      ],
    )
    t.equal((await mirror.read('checkpoint')).bytes.toString(), note)
    t.not(before.bytes.toString(), note, 'it was not signed before it was here')
    size = next
  }
  const { changedTiles } = growTree(
    emptyTree,
    Array.from({ length: 700 }, (_, at) => leafHash(Buffer.from(`leaf ${at}`))),
  )
  const tileOf = (level: number, index: bigint, width: number) => {
    const found = changedTiles.find((tile) => tile.level === level && tile.index === index)
    return Buffer.from(found === undefined ? [] : tileHashes(found.tile, width))
  }
  t.strictSame((await mirror.read('tile/0/000')).bytes, tileOf(0, 0n, 256))
  t.strictSame((await mirror.read('tile/0/002.p/188')).bytes, tileOf(0, 2n, 188))
  t.strictSame((await mirror.read('tile/0/002.p/7')).bytes, tileOf(0, 2n, 7), 'of an older tree')
  t.strictSame((await mirror.read('tile/1/000.p/2')).bytes, tileOf(1, 0n, 2))
  t.strictSame((await mirror.read('tile/entries/001')).bytes, Buffer.from(log.bundle(256, 512)))
  t.strictSame((await mirror.read('tile/entries/002.p/188')).bytes, Buffer.from(log.bundle(512, 700)))
  t.strictSame((await mirror.read('tile/entries/002.p/3')).bytes, Buffer.from(log.bundle(512, 515)))
  for (const path of ['tile/0/003.p/1', 'tile/0/002', 'tile/2/000.p/1', 'tile/entries/002.p/189', 'tile/x'])
    t.equal((await mirror.read(path)).status, 404, path)
})

t.test('an upload may come in pieces, from the middle of a bundle, and twice', async (t) => {
  const log = testLog(origin)
  const mirror = await openMirror(t, log)
  await grow(mirror, log, 0, 900)
  const info = (size: number, next: number) => `${size}\n${next}\n\n`
  const first = await mirror.upload(log.upload(0, 900, 2))
  t.match(first, { status: 202, type: 'text/x.tlog.mirror-info', body: info(900, 512) })
  const torn = log.upload(512, 900)
  t.match(await mirror.upload(torn.subarray(0, torn.length - 1)), { status: 202, body: info(900, 768) })
  await grow(mirror, log, 900, 1000)
  t.match(await mirror.upload(log.upload(768, 900)), { status: 200 }, 'to a tree that is not the newest')
  t.match(await mirror.upload(log.upload(900, 1000)), { status: 200 }, 'from the middle of a bundle')
  t.match(await mirror.upload(log.upload(1000, 1000)), { status: 200 }, 'nothing to add')
  t.match(await mirror.upload(log.upload(300, 1000)), { status: 200 }, 'what is here already')
  const zipped = gzipSync(log.upload(768, 1000))
  t.match(await mirror.post('/add-entries', zipped, { 'content-encoding': 'gzip' }), { status: 200 })
})

t.test('what is not in the tree of the log is not kept', async (t) => {
  const log = testLog(origin)
  const mirror = await openMirror(t, log)
  t.match(await mirror.upload(log.upload(0, 10)), { status: 422, body: /no checkpoint/ })
  await grow(mirror, log, 0, 600)
  t.match(await mirror.upload(log.upload(0, 600, 1)), { status: 202, body: '600\n256\n\n' })
  const forged = await mirror.upload(log.upload(256, 600, undefined, 400))
  t.match(forged, { status: 422, body: /entries 256 to 512/ })
  t.match(await mirror.upload(log.upload(0, 600, undefined, 100)), { status: 422 }, 'of what is here already')
  t.match(await mirror.upload(log.upload(300, 600)), { status: 409, body: '600\n256\n\n' }, 'a gap')
  t.match(await mirror.upload(log.upload(256, 599)), { status: 409, body: '600\n256\n\n' }, 'another tree')
  t.equal((await mirror.read('checkpoint')).status, 404)
  t.equal((await mirror.read('tile/0/000')).status, 404, 'no tile without a checkpoint')
  t.match(await mirror.upload(log.upload(256, 600)), { status: 200 })
  t.match(await mirror.upload(log.upload(600, 600)), { status: 200 })
  const other = testLog('other.example')
  t.match(await mirror.upload(other.upload(0, 1)), { status: 404 })
  t.match(await (await fetch(`${mirror.url}/metrics`)).text(), /uploads_total\{outcome="inconsistent"\} 2/)
})

t.test('a body with a fault is refused', async (t) => {
  const log = testLog(origin)
  const mirror = await openMirror(t, log)
  await grow(mirror, log, 0, 3)
  const good = Buffer.from(log.upload(0, 3))
  const changed = (at: number, byte: number) => {
    const bytes = Buffer.from(good)
    bytes[at] = byte
    return bytes
  }
  const cases: Record<string, Uint8Array> = {
    nothing: new Uint8Array(),
    'half a header': good.subarray(0, 20),
    'no whole package': good.subarray(0, -1),
    'more than the packages': concatBytes(good, Uint8Array.of(0)),
    'an origin that is not UTF-8': changed(2, 0xff),
    'an end before its start': Buffer.from(log.upload(5, 3)),
    'a tree beyond any': changed(2 + origin.length + 8, 0xff),
    'too many hashes': changed(good.length - 1, 64),
  }
  for (const [name, body] of Object.entries(cases))
    t.match(await mirror.upload(body), { status: 400, body: /not an upload|body ends|bytes follow/ }, name)
  t.match(await mirror.post('/add-entries', good, { 'content-encoding': 'br' }), { status: 400 })
  t.match(await mirror.post('/add-entries', good, { 'content-encoding': 'gzip' }), { status: 400 })
  t.match(await mirror.post('/add-entries', good, { 'content-type': 'octets' }), { status: 200 })
})

t.test('uploads at once leave one copy, and another process goes on with it', async (t) => {
  const log = testLog(origin)
  const mirror = await openMirror(t, log)
  await grow(mirror, log, 0, 700)
  const answers = await Promise.all([1, 2, 3, 3].map((most) => mirror.upload(log.upload(0, 700, most))))
  t.ok(answers.every(({ status }) => status === 200 || status === 202 || status === 409))
  const second = asMirror(await mirror.again())
  t.match(await second.upload(log.upload(512, 700)), { status: 200 })
  t.strictSame((await second.read('tile/entries/001')).bytes, Buffer.from(log.bundle(256, 512)))
})

t.test('a mirror that ends between keeping and signing keeps its word', async (t) => {
  const log = testLog(origin)
  let isBroken = true
  const mirror = await openMirror(t, log, {
    wrapCosigner: (cosigner) => ({
      ...cosigner,
      sign: (message) =>
        isBroken && cosigner.key.name === 'mirror.example'
          ? Promise.reject(new Error('the key does not answer'))
          : cosigner.sign(message),
    }),
  })
  await grow(mirror, log, 0, 300)
  t.equal((await mirror.upload(log.upload(0, 300))).status, 500)
  isBroken = false
  const { status, bytes } = await mirror.read('checkpoint')
  t.equal(status, 200)
  t.equal(parseCheckpoint(bytes.toString()).treeHead.size, 300n)
  t.equal((await mirror.upload(log.upload(300, 300))).status, 200)
})

t.test('a witness that keeps no copies has no such paths, and a mirror is another cosigner', async (t) => {
  const log = testLog(origin)
  const witness = asMirror(await openWitness(t, [log.vkey]))
  t.equal((await witness.upload(log.upload(0, 1))).status, 404)
  t.equal((await witness.read('checkpoint')).status, 404)
  const settings = { WITNESS_MIRROR_NAME: 'witness.example' }
  await t.rejects(openWitness(t, [log.vkey], { settings }), { message: /WITNESS_MIRROR_NAME/ })
})

t.test('one network of senders leaves places for others', async (t) => {
  const bounded = boundAtOnce(3, 2)
  const { promise, resolve } = Promise.withResolvers<string>()
  const slow = ['2001:db8::1', '2001:db8::2'].map((address) => bounded(address, () => promise))
  await t.rejects(
    bounded('2001:db8::3', async () => ''),
    { code: 'busy' },
  )
  t.equal(await bounded('192.0.2.1', async () => 'another'), 'another')
  const last = bounded('192.0.2.1', () => promise)
  await t.rejects(
    bounded('192.0.2.2', async () => ''),
    { code: 'busy' },
  )
  resolve('done')
  t.strictSame(await Promise.all([...slow, last]), ['done', 'done', 'done'])
  t.equal(await bounded('2001:db8::3', async () => 'again'), 'again')
})

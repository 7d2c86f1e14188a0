import { createHash } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import { parseCheckpoint } from '@sigstack/checkpoint'
import { openLog } from '@sigstack/log-engine'
import { asHash, emptyTree, growTree, leafHash, tileFromHashes, tileNode, tilePath } from '@sigstack/merkle'
import { createPool } from '@sigstack/postgres'
import { createTurns, openSearch, openShard, searchKeysOfEntry, wholeLog } from '@sigstack/rekor-log'
import t, { type Test as TapTest } from 'tap'
import { indexedUpTo } from './running-log.ts'
import {
  entryVector,
  entryVectorBytes,
  json,
  openRekor,
  type Parsed,
  proposalFor,
  type RekorUnderTest,
  treeId,
} from './support.ts'

const propose = async (t: TapTest, { app }: RekorUnderTest, proposal: unknown): Promise<string> => {
  const answer = await app.inject({
    method: 'POST',
    url: '/api/v1/log/entries',
    headers: json,
    payload: JSON.stringify(proposal),
  })
  t.equal(answer.statusCode, 201, answer.body)
  return answer.headers['etag'] as string
}
const query = async ({ app }: RekorUnderTest, body: unknown) => {
  const answer = await app.inject({
    method: 'POST',
    url: '/api/v1/index/retrieve',
    headers: json,
    payload: JSON.stringify(body),
  })
  return { status: answer.statusCode, text: answer.body, value: JSON.parse(answer.body) }
}
const hashOf = (artifact: string) => `sha256:${createHash('sha256').update(artifact).digest('hex')}`

const asker = { network: '127.0.0.1', isGone: () => false }

t.test('entries are found by digest, key, subject and their combinations', async (t) => {
  const rekor = await openRekor(t)
  const one = await propose(t, rekor, proposalFor('one'))
  const two = await propose(t, rekor, proposalFor('two'))
  const dsse = await propose(t, rekor, entryVector('derived/dsse.json').proposal)
  const rsa = await propose(t, rekor, entryVector('derived/hashedrekord-rsa2048-sha256.json').proposal)
  const find = async (body: unknown) => ((await query(rekor, body)).value as string[]).toSorted()

  t.strictSame(await find({ hash: hashOf('one') }), [one])
  t.strictSame(await find({ hash: hashOf('one').slice(7).toUpperCase() }), [one], 'bare and in another case')
  const key = { format: 'x509', content: proposalFor('one').spec.signature.publicKey.content }
  t.strictSame(await find({ publicKey: key }), [one, two].toSorted())
  t.strictSame(await find({ publicKey: key, hash: hashOf('two'), operator: 'and' }), [two])
  t.strictSame(await find({ publicKey: key, hash: hashOf('two') }), [one, two].toSorted())
  t.strictSame(await find({ hash: hashOf('nobody'), publicKey: key, operator: 'and' }), [])
  t.strictSame(await find({ email: 'nobody@example.org' }), [])
  t.strictSame(await find({}), [])
  t.equal((await query(rekor, {})).text, '[]\n')
  // Rekor itself does not find dsse entries by their key.
  const verifier = entryVector('derived/dsse.json').proposal.spec.proposedContent.verifiers[0]
  t.strictSame(await find({ publicKey: { format: 'x509', content: verifier } }), [dsse])

  // Every key that the vectors name, also those of the statement's subjects, which the stored body does not hold; but for a digest
  // that is none.
  for (const [name, id] of [
    ['dsse', dsse],
    ['hashedrekord-rsa2048-sha256', rsa],
  ] as const) {
    for (const indexKey of entryVector(`derived/${name}.json`).indexKeys as string[]) {
      const found = await rekor.search.find([[indexKey]], 'or', asker)
      t.equal(
        found.some(({ leafHash }) => id.endsWith(Buffer.from(leafHash).toString('hex'))),
        indexKey !== 'foo:bar',
        `${name} ${indexKey}`,
      )
    }
  }
})

t.test('keys of every format lead to what they signed, also after the index was built again', async (t) => {
  const rekor = await openRekor(t)
  const content = (name: string) => entryVectorBytes(`inputs/tuf/${name}`).toString('base64')
  const spec = {
    metadata: { content: content('timestamp.json') },
    root: { content: content('root.json') },
  }
  const helm = entryVector('proposals/helm.json')
  const keyOf = ({ proposal }: Parsed) => proposal.spec.signature.publicKey.content
  const minisign = entryVector('derived/rekord-minisign.json')
  const ssh = entryVector('derived/rekord-ssh.json')
  const cases = [
    ['pgp', helm.spec.publicKey.content, helm],
    ['minisign', keyOf(minisign), minisign.proposal],
    ['ssh', keyOf(ssh), ssh.proposal],
    ['tuf', spec.root.content, { apiVersion: '0.0.1', kind: 'tuf', spec }],
  ] as const
  const expected: [publicKey: { format: string; content: string }, id: string][] = []
  for (const [format, content, proposal] of cases)
    expected.push([{ format, content }, await propose(t, rekor, proposal)])
  const assertFound = async () => {
    // Whoever follows the log does not know yet that its index is gone.
    await indexedUpTo(rekor.database.pool, expected.length)
    for (const [publicKey, id] of expected) {
      t.strictSame((await query(rekor, { publicKey })).value, [id], publicKey.format)
      const payload = JSON.stringify({ publicKey })
      const own = await rekor.app.inject({ method: 'POST', url: '/api/v1/search', headers: json, payload })
      t.match(own.json(), { entries: [{ entryID: id }] }, publicKey.format)
    }
  }
  await assertFound()
  await rekor.database.pool.query('delete from search_key')
  await rekor.database.pool.query('update search_position set next_index = 0')
  await assertFound()
})

t.test('queries that Rekor refuses are refused', async (t) => {
  const rekor = await openRekor(t)
  const refused: [unknown, number, number, RegExp][] = [
    [{ email: 'nobody' }, 422, 601, /email in body must be of type email/],
    [{ hash: 'sha256:abc' }, 422, 605, /hash in body should match/],
    [{ hash: `sha384:${'0'.repeat(96)}` }, 422, 605, /hash in body should match/],
    [{ operator: 'xor' }, 422, 606, /operator in body should be one of/],
    [{ subject: 'x'.repeat(513) }, 422, 603, /subject/],
    [{ publicKey: { content: 'AAAA' } }, 422, 602, /publicKey\.format in body is required/],
    [{ publicKey: { format: 'nonsense' } }, 422, 606, /publicKey\.format in body should be one of/],
    ...['pgp', 'x509', 'minisign', 'ssh', 'tuf'].map((format): [unknown, number, number, RegExp] => [
      { publicKey: { format, content: 'AAAA' } },
      400,
      400,
      /^public key provided could not be parsed$/,
    ]),
    [{ publicKey: { format: 'x509' } }, 400, 400, /^public key provided could not be parsed$/],
    [{ hash: 5 }, 400, 400, /^parsing query body from "" failed, because/],
    [[], 400, 400, /^parsing query body/],
  ]
  for (const [body, status, code, message] of refused) {
    const answer = await query(rekor, body)
    t.match(answer, { status, value: { code, message } }, JSON.stringify(body).slice(0, 60))
  }
})

t.test('the index follows within a moment, resumes, and is built again from nothing', async (t) => {
  const rekor = await openRekor(t)
  const { pool, connectionString } = rekor.database
  const first = await propose(t, rekor, proposalFor('first'))
  const found = async (artifact: string) => (await query(rekor, { hash: hashOf(artifact) })).value
  t.strictSame(await found('first'), [first], 'what was answered a moment ago')
  t.equal(rekor.search.backlog(), 0n)

  // Another replica, with a log and a follower of its own: it never hears of this one's appends.
  const otherPool = createPool({ connectionString })
  const otherLog = await openLog({
    pool: otherPool,
    name: 'rekor-v1',
    logId: rekor.log.logId,
    newOrigin: () => 'unused',
    signCheckpoint: async () => '',
  })
  const onError = (e: unknown) => t.fail(String(e))
  const other = await openSearch({
    pool: otherPool,
    log: wholeLog({
      list: () => [openShard(otherLog, rekor.signer, 0n)],
      onAppended: otherLog.onAppended,
    }),
    turns: createTurns({ pool: otherPool, logId: rekor.log.logId, searchKeysOf: searchKeysOfEntry, onError }),
    readers: otherPool,
    onError,
    // Too seldom to be of any help: readers find what the other one logged all the same.
    pollMs: 600_000,
    patienceMs: 30_000,
  })
  t.teardown(async () => {
    await other.stop()
    await otherLog.close()
    await otherPool.end()
  })
  await Promise.all(Array.from({ length: 40 }, (_, i) => propose(t, rekor, proposalFor(`many ${i}`))))
  // A follower that finds the other one at work leaves it to it.
  const settle = async () => {
    const { size } = await rekor.log.treeHead()
    for (const index of [rekor.search, other]) t.equal(await index.indexed(), size)
  }
  await settle()
  for (let i = 0; i < 40; i++) t.equal((await other.find([[hashOf(`many ${i}`)]], 'or', asker)).length, 1)

  const count = async () =>
    (await pool.query<{ count: bigint }>('select count(*) from search_key')).rows[0]?.count
  const before = await count()
  await propose(t, rekor, entryVector('derived/dsse.json').proposal)
  await settle()
  const whole = await count()
  t.ok(whole! > before!)
  await pool.query('delete from search_key')
  await pool.query('update search_position set next_index = 0')
  await settle()
  t.equal(await count(), whole, 'the same keys again, subjects of statements included')
})

t.test('the tree head can be rebuilt from tiles, and the tiles from entries', async (t) => {
  const rekor = await openRekor(t)
  const { app, log } = rekor
  const get = (url: string) => app.inject({ method: 'GET', url })
  const size = 300
  await Promise.all(
    Array.from({ length: size }, (_, i) => {
      const leaf = Buffer.from(`entry ${i} ${'x'.repeat(i)}`)
      return log.append({ identity: leafHash(leaf), encode: () => ({ leaf }) })
    }),
  )
  const note = await get('/checkpoint')
  t.match(note.headers, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-cache' })
  const { treeHead } = parseCheckpoint(note.body)
  t.equal(treeHead.size, 300n)

  const read = async (level: number | 'entries', index: bigint, width: number) => {
    const path = tilePath({ level, index, width })
    const answer = await get(`/shards/${treeId}/${path}`)
    t.equal(answer.statusCode, 200)
    t.match(answer.headers, {
      'content-type': 'application/octet-stream',
      'cache-control': /max-age=\d{6,}, ?immutable/,
    })
    const byAlias = await get(`/${path}`)
    t.match(byAlias.headers, { 'cache-control': 'no-cache' }, 'of another shard after a rollover')
    t.equal(Buffer.compare(byAlias.rawPayload, answer.rawPayload), 0)
    return answer.rawPayload
  }
  const full = await read(0, 0n, 256)
  const edge = await read(0, 1n, 44)
  t.match([full.length, edge.length], [8192, 44 * 32])
  const hashes = Buffer.concat([full, edge])
  const leaves = Array.from({ length: size }, (_, i) => asHash(hashes.subarray(i * 32, i * 32 + 32)))
  t.equal(Buffer.compare(growTree(emptyTree, leaves).tree.rootHash, treeHead.rootHash), 0)
  t.equal(Buffer.compare(await read(1, 0n, 1), tileNode(tileFromHashes(full), 8, 0)), 0)
  t.equal(Buffer.compare(await read(0, 0n, 7), full.subarray(0, 7 * 32)), 0, 'narrower tiles are prefixes')

  const bundle = Buffer.concat([await read('entries', 0n, 256), await read('entries', 1n, 44)])
  for (let at = 0, i = 0; i < size; i++) {
    const end = at + 2 + bundle.readUInt16BE(at)
    t.equal(Buffer.compare(leafHash(bundle.subarray(at + 2, end)), leaves[i]!), 0)
    at = end
  }

  const packed = async (encoding: string) => {
    const answer = await app.inject({ url: '/tile/entries/000', headers: { 'accept-encoding': encoding } })
    t.equal(answer.headers['vary'], 'Accept-Encoding')
    return answer
  }
  for (const encoding of ['gzip', 'br, gzip;q=0.5', '*', 'GZIP ; q=1.000']) {
    const answer = await packed(encoding)
    t.equal(answer.headers['content-encoding'], 'gzip', encoding)
    t.equal(
      Buffer.compare(gunzipSync(answer.rawPayload), bundle.subarray(0, gunzipSync(answer.rawPayload).length)),
      0,
    )
    t.ok(answer.rawPayload.length < bundle.length / 4)
  }
  for (const encoding of ['br', 'gzip;q=0', 'gzip; q=0.000', 'gzip;q=x', 'identity'])
    t.notOk((await packed(encoding)).headers['content-encoding'], encoding)

  for (const url of ['/tile/0/000', '/tile/1/000.p/1', '/tile/entries/000', '/tile/entries/001.p/44'])
    for (const encoding of ['gzip', 'identity']) {
      const ask = (etag: string) =>
        app.inject({ url, headers: { 'accept-encoding': encoding, 'if-none-match': etag } })
      const { headers, rawPayload } = await ask('"another"')
      t.match(headers.etag, /^"[\w-]{22}"$/, url)
      for (const known of [headers.etag, `"another", W/${headers.etag}`, '*']) {
        const answer = await ask(String(known))
        t.equal(answer.statusCode, 304, `${url} ${known}`)
        t.equal(answer.rawPayload.length, 0)
        t.match(answer.headers, { etag: headers.etag, 'cache-control': headers['cache-control'] })
      }
      t.ok(rawPayload.length > 0)
    }

  const missing = [
    '/tile/0/001',
    '/tile/0/001.p/45',
    '/tile/0/002.p/1',
    '/tile/2/000.p/1',
    '/tile/1/000',
    '/tile/entries/001',
    '/tile/entries/001.p/45',
  ]
  const misspelt = [
    '/tile/0/1',
    '/tile/00/000',
    '/tile/0/x000/001.p/1',
    '/tile/0/000.p/0',
    '/tile/0/000.p/256',
    '/tile/64/000',
    '/tile/0',
    '/tile/data/000',
  ]
  for (const url of [...missing, ...misspelt]) {
    const answer = await get(url)
    t.equal(answer.statusCode, 404, url)
    t.notMatch(answer.headers['cache-control'] ?? '', /max-age=[1-9]/)
  }
  t.equal((await app.inject({ method: 'HEAD', url: '/checkpoint' })).statusCode, 200)
})

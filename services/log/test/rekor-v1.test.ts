import { createHash } from 'node:crypto'
import { rekorV1KeyHint, verifyCheckpoint } from '@sigstack/checkpoint'
import { verifySignature } from '@sigstack/crypto'
import { asHash, type Hash, leafHash, verifyConsistency, verifyInclusion } from '@sigstack/merkle'
import type { LightMyRequestResponse } from 'fastify'
import t, { type Test as TapTest } from 'tap'
import {
  entryVector,
  json,
  openRekor,
  type Parsed,
  proposalFor,
  type RekorUnderTest,
  treeId,
} from './support.ts'

const treeHex = '24296fb24b8ad77a'
const uncached = {
  expires: 'Thu, 01 Jan 1970 00:00:00 GMT',
  'cache-control': 'no-cache, no-store, no-transform, must-revalidate, private, max-age=0',
  pragma: 'no-cache',
  'x-accel-expires': '0',
}
const hex = (text: string): Hash => asHash(Buffer.from(text, 'hex'))

const post = (rekor: RekorUnderTest, url: string, body: unknown) =>
  rekor.app.inject({ method: 'POST', url, headers: json, payload: JSON.stringify(body) })
const propose = (rekor: RekorUnderTest, proposal: unknown) => post(rekor, '/api/v1/log/entries', proposal)
const get = (rekor: RekorUnderTest, url: string) => rekor.app.inject({ method: 'GET', url })

/** Compact, in the order of its members, one line feed, no charset. */
function assertJsonForm(t: TapTest, answer: LightMyRequestResponse): unknown {
  const value: unknown = JSON.parse(answer.body)
  t.equal(answer.body, `${JSON.stringify(value)}\n`, 'compact and one line feed')
  t.equal(answer.headers['content-type'], 'application/json')
  t.equal(answer.headers['access-control-allow-origin'], '*')
  return value
}

function assertError(
  t: TapTest,
  answer: LightMyRequestResponse,
  status: number,
  code: number,
  message: string | RegExp,
) {
  t.equal(answer.statusCode, status, answer.body)
  t.match(assertJsonForm(t, answer), { code, message })
}

/** What every client checks: ID, body, proof, checkpoint, SET. */
async function assertEntry(t: TapTest, rekor: RekorUnderTest, value: Record<string, Parsed>): Promise<void> {
  const [[id, entry] = ['', {}], ...others] = Object.entries(value)
  t.equal(others.length, 0, 'one member')
  t.strictSame(Object.keys(entry), ['body', 'integratedTime', 'logID', 'logIndex', 'verification'])
  t.strictSame(Object.keys(entry.verification), ['inclusionProof', 'signedEntryTimestamp'])
  const proof = entry.verification.inclusionProof
  t.strictSame(Object.keys(proof), ['checkpoint', 'hashes', 'logIndex', 'rootHash', 'treeSize'])
  const leaf = leafHash(Buffer.from(entry.body, 'base64'))
  t.equal(id, treeHex + Buffer.from(leaf).toString('hex'))
  const { publicKey } = rekor.signer
  t.equal(entry.logID, createHash('sha256').update(publicKey.spki).digest('hex'))
  const treeHead = { size: BigInt(proof.treeSize), rootHash: hex(proof.rootHash) }
  verifyInclusion(
    { leafIndex: BigInt(proof.logIndex), treeSize: treeHead.size, siblings: proof.hashes.map(hex) },
    leaf,
    treeHead.rootHash,
  )
  const checkpoint = await verifyCheckpoint(proof.checkpoint, {
    publicKey,
    keyHint: rekorV1KeyHint(publicKey),
    name: 'rekor.example.org',
    expectedTreeHead: treeHead,
  })
  t.equal(checkpoint.origin, `rekor.example.org - ${treeId}`)
  const { body, integratedTime, logID, logIndex } = entry
  const promised = Buffer.from(JSON.stringify({ body, integratedTime, logID, logIndex }))
  const set = Buffer.from(entry.verification.signedEntryTimestamp, 'base64')
  t.ok(await verifySignature(publicKey, 'sha256', promised, set), 'the SET verifies')
  t.ok(Math.abs(integratedTime - Date.now() / 1000) < 60, 'seconds')
}

t.test('an entry is answered with its proof, its promise and the names clients look for', async (t) => {
  const rekor = await openRekor(t)
  for (const [at, name] of ['hashedrekord', 'dsse', 'hashedrekord-rsa2048-sha256'].entries()) {
    const vector = entryVector(`derived/${name}.json`)
    const answer = await propose(rekor, vector.proposal)
    const id = treeHex + vector.leafHash
    t.equal(answer.statusCode, 201, answer.body)
    t.equal(answer.headers['etag'], id, 'without quotes')
    t.equal(answer.headers['location'], `/api/v1/log/entries/${id}`)
    t.notOk(answer.headers['cache-control'])
    const value = assertJsonForm(t, answer) as Parsed
    t.equal(Buffer.from(value[id].body, 'base64').toString(), vector.canonicalBody)
    t.equal(value[id].logIndex, at)
    await assertEntry(t, rekor, value)
    // sigstore-rs cuts the answer at these places.
    t.equal(answer.body.slice(1, 83), `"${id}"`)
    t.ok(answer.body.endsWith('}}\n'))
  }
})

t.test('the same entry again is a conflict that leads to the first one', async (t) => {
  const rekor = await openRekor(t)
  const { proposal, leafHash: leaf } = entryVector('derived/hashedrekord.json')
  t.equal((await propose(rekor, proposal)).statusCode, 201)
  const again = await propose(rekor, { ...proposal, unknown: 'members do not count' })
  const id = treeHex + leaf
  assertError(
    t,
    again,
    409,
    409,
    `an equivalent entry already exists in the transparency log with UUID ${id}`,
  )
  t.equal(again.headers['location'], `/api/v1/log/entries/${id}`)
  t.notOk(again.headers['etag'])
  const found = await get(rekor, again.headers['location'] as string)
  t.equal(found.statusCode, 200)
  await assertEntry(t, rekor, JSON.parse(found.body))
  t.equal((await rekor.log.treeHead()).size, 1n)
})

t.test('entries are read by index and by either ID, with a fresh proof', async (t) => {
  const rekor = await openRekor(t)
  const ids: string[] = []
  for (let i = 0; i < 5; i++)
    ids.push((await propose(rekor, proposalFor(`artifact ${i}`))).headers['etag'] as string)
  // Proofs lead to the head of the last look, which may be a second old.
  await rekor.log.treeHead()
  for (const [index, id] of ids.entries()) {
    for (const url of [
      `?logIndex=${index}`,
      `/${id}`,
      `/${id.slice(16)}`,
      `/${id.toUpperCase()}`,
      `//${id}/`,
    ]) {
      const answer = await get(rekor, `/api/v1/log/entries${url}`)
      t.equal(answer.statusCode, 200, url)
      t.match(answer.headers, uncached)
      const value = assertJsonForm(t, answer) as Parsed
      t.equal(value[id].verification.inclusionProof.treeSize, 5)
      await assertEntry(t, rekor, value)
    }
  }
  const missing = [
    '?logIndex=5',
    '?logIndex=9223372036854775807',
    `/${'0'.repeat(64)}`,
    `/${'0'.repeat(80)}`,
    `/0000000000000001${ids[0]?.slice(16)}`,
  ]
  for (const url of missing) {
    const answer = await get(rekor, `/api/v1/log/entries${url}`)
    t.equal(answer.statusCode, 404, url)
    t.equal(answer.body, '')
    t.notOk(answer.headers['content-type'], 'no type')
  }
  const refused: [string, number, number, string | RegExp][] = [
    ['', 422, 602, 'logIndex in query is required'],
    ['?logIndex=', 422, 602, 'logIndex in query is required'],
    ['?logIndex=abc', 422, 601, 'logIndex in query must be of type int64: "abc"'],
    ['?logIndex=9223372036854775808', 422, 601, /int64/],
    ['?logIndex=-1', 422, 609, 'logIndex in query should be greater than or equal to 0'],
    ['/abc', 422, 605, "entryUUID in path should match '^([0-9a-fA-F]{64}|[0-9a-fA-F]{80})$'"],
    [`/8${'0'.repeat(79)}`, 400, 400, 'validation error: 8000000000000000 is not a valid TreeID'],
  ]
  for (const [url, ...expected] of refused)
    assertError(t, await get(rekor, `/api/v1/log/entries${url}`), ...expected)
})

t.test('log info, key and consistency proof are those of the tree', async (t) => {
  const rekor = await openRekor(t)
  const info = async () => {
    const answer = await get(rekor, '/api/v1/log')
    t.equal(answer.statusCode, 200)
    t.match(answer.headers, uncached)
    const value = assertJsonForm(t, answer) as Parsed
    t.strictSame(Object.keys(value), ['inactiveShards', 'rootHash', 'signedTreeHead', 'treeID', 'treeSize'])
    t.strictSame(value['inactiveShards'], [])
    t.equal(value['treeID'], String(treeId))
    const { publicKey } = rekor.signer
    const expectedTreeHead = { size: BigInt(value['treeSize']), rootHash: hex(value['rootHash']) }
    await verifyCheckpoint(value['signedTreeHead'], {
      publicKey,
      keyHint: rekorV1KeyHint(publicKey),
      expectedTreeHead,
    })
    return expectedTreeHead
  }
  const empty = await info()
  t.equal(empty.size, 0n)
  t.equal(
    Buffer.from(empty.rootHash).toString('hex'),
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  )
  for (let i = 0; i < 3; i++) await propose(rekor, proposalFor(`a${i}`))
  const three = await info()
  for (let i = 3; i < 7; i++) await propose(rekor, proposalFor(`a${i}`))
  const seven = await info()

  const proof = await get(rekor, '/api/v1/log/proof?firstSize=3&lastSize=7&treeID=')
  t.match(proof.headers, uncached)
  const { hashes, rootHash } = assertJsonForm(t, proof) as Parsed
  verifyConsistency({ oldSize: 3n, newSize: 7n, hashes: hashes.map(hex) }, three.rootHash, seven.rootHash)
  t.equal(rootHash, Buffer.from(seven.rootHash).toString('hex'))
  const partial = JSON.parse((await get(rekor, `/api/v1/log/proof?lastSize=2&treeID=${treeId}`)).body)
  t.equal(partial.rootHash, rootHash, 'the root is that of now')
  t.strictSame(JSON.parse((await get(rekor, '/api/v1/log/proof?firstSize=7&lastSize=7')).body).hashes, [])

  const key = await get(rekor, '/api/v1/log/publicKey')
  t.equal(key.headers['content-type'], 'application/x-pem-file')
  t.equal(key.body, rekor.shard.publicKeyPem)
  t.match(key.body, /^-----BEGIN PUBLIC KEY-----\n[\s\S]+-----END PUBLIC KEY-----\n$/)
  t.equal((await get(rekor, `/api/v1/log/publicKey?treeID=${treeId}`)).statusCode, 200)

  const refused: [string, number, number, string | RegExp][] = [
    ['proof?firstSize=5&lastSize=3', 400, 400, 'firstSize(5) must be less than lastSize(3)'],
    [
      'proof?lastSize=9',
      400,
      400,
      'the tree size requested(9) was greater than what is currently observable(7)',
    ],
    ['proof?lastSize=7&treeID=42', 400, 400, 'no log range found for tree ID 42'],
    [
      'proof?lastSize=7&treeID=99999999999999999999',
      400,
      400,
      'invalid tree ID specified: 99999999999999999999',
    ],
    ['proof', 422, 602, 'lastSize in query is required'],
    ['proof?lastSize=0', 422, 609, 'lastSize in query should be greater than or equal to 1'],
    ['proof?firstSize=0&lastSize=1', 422, 609, 'firstSize in query should be greater than or equal to 1'],
    ['proof?lastSize=x', 422, 601, 'lastSize in query must be of type int64: "x"'],
    ['proof?lastSize=1&treeID=x', 422, 605, "treeID in query should match '^[0-9]+$'"],
    ['publicKey?treeID=42', 400, 400, 'Bad Request'],
    ['publicKey?treeID=x', 422, 605, "treeID in query should match '^[0-9]+$'"],
  ]
  for (const [url, ...expected] of refused)
    assertError(t, await get(rekor, `/api/v1/log/${url}`), ...expected)
})

t.test('many entries are retrieved by ID, by index and by proposing them again', async (t) => {
  const rekor = await openRekor(t)
  const proposals = [0, 1, 2, 3].map((i) => proposalFor(`r${i}`))
  const ids: string[] = []
  for (const proposal of proposals) ids.push((await propose(rekor, proposal)).headers['etag'] as string)
  const url = '/api/v1/log/entries/retrieve/'
  const retrieve = async (query: unknown) => {
    const answer = await post(rekor, url, query)
    t.equal(answer.statusCode, 200, answer.body)
    const list = assertJsonForm(t, answer) as Parsed[]
    for (const value of list) await assertEntry(t, rekor, value)
    return list.map((value) => Object.keys(value)[0])
  }
  t.strictSame(await retrieve({ entryUUIDs: [ids[2], ids[0]] }), [ids[2], ids[0]], 'in the order asked')
  t.strictSame(await retrieve({ entryUUIDs: null, logIndexes: [3, 1] }), [ids[3], ids[1]])
  t.strictSame(await retrieve({ entries: [proposals[1]] }), [ids[1]])
  const byHash = [ids[0]!, ids[1]!].toSorted((a, b) => (a < b ? -1 : 1))
  t.strictSame(
    await retrieve({ entryUUIDs: [ids[1]?.slice(16)], entries: [proposals[0]], logIndexes: [2] }),
    [...byHash, ids[2]],
  )
  t.strictSame(await retrieve({ logIndexes: [99], entries: [proposalFor('never logged')] }), [])
  t.strictSame(await retrieve({}), [])
  t.equal((await rekor.log.treeHead()).size, 4n, 'asking logs nothing')

  const refused: [unknown, number, number, string | RegExp][] = [
    [
      { logIndexes: [1, 2, 3, 4, 5, 6], entryUUIDs: Array(5).fill(ids[0]) },
      422,
      422,
      'more than max allowed 10 entries in request',
    ],
    [{ logIndexes: Array(11).fill(1) }, 422, 611, 'logIndexes in body should have at most 10 items'],
    [{ logIndexes: [] }, 422, 612, 'logIndexes in body should have at least 1 items'],
    [{ logIndexes: [-1] }, 422, 609, /logIndexes\.0 in body should be greater/],
    [{ logIndexes: ['1'] }, 400, 400, /^parsing entry body from "" failed, because /],
    [{ entryUUIDs: ['zz'] }, 422, 605, /entryUUIDs\.0 in body should match/],
    [{ entryUUIDs: [`f${'0'.repeat(79)}`] }, 400, 400, /^invalid entryID f000/],
    [
      { entries: [{ kind: 'nonsense', apiVersion: '0.0.1', spec: {} }] },
      400,
      400,
      /^parsing entry body from "" failed, because/,
    ],
    [{ entries: [{ kind: 'hashedrekord', apiVersion: '0.0.1', spec: {} }] }, 400, 400, /./],
    [[], 400, 400, /^parsing entry body/],
  ]
  for (const [query, ...expected] of refused) assertError(t, await post(rekor, url, query), ...expected)
  const broken = await rekor.app.inject({ method: 'POST', url, headers: json, payload: '{' })
  assertError(t, broken, 400, 400, /^parsing entry body from "" failed, because /)
})

t.test('proposals that Rekor refuses are refused in its words, and nothing is stored', async (t) => {
  const rekor = await openRekor(t, { bodyLimitBytes: 100_000 })
  const { proposal } = entryVector('derived/hashedrekord.json')
  const refused: [unknown, number, number, string | RegExp][] = [
    [{ ...proposal, kind: undefined }, 422, 602, 'kind in body is required'],
    [{ ...proposal, kind: 'x' }, 422, 422, 'invalid kind value: "x"'],
    [{ ...proposal, apiVersion: undefined }, 422, 602, 'apiVersion in body is required'],
    [{ ...proposal, apiVersion: 'one' }, 422, 605, /apiVersion in body should match/],
    [{ ...proposal, spec: undefined }, 422, 602, 'spec in body is required'],
    [
      { ...proposal, apiVersion: '0.0.9' },
      400,
      400,
      /^error processing entry: hashedrekord implementation for version '0\.0\.9' not found/,
    ],
    [{ ...proposal, spec: {} }, 400, 400, /^error processing entry: /],
    [[], 422, 601, /./],
    [null, 422, 602, 'proposedEntry in body is required'],
  ]
  for (const [body, ...expected] of refused) assertError(t, await propose(rekor, body), ...expected)
  const tampered = structuredClone(proposal)
  tampered.spec.data.hash.value = tampered.spec.data.hash.value.replace('c98c', 'c98d')
  assertError(t, await propose(rekor, tampered), 400, 400, /^error processing entry: verifying signature/)
  for (const [name, { proposal, status }] of Object.entries<Parsed>(entryVector('derived/rejected.json'))) {
    t.equal((await propose(rekor, proposal)).statusCode, status, name)
  }

  const url = '/api/v1/log/entries'
  const raw = (payload: string, headers: Record<string, string>) =>
    rekor.app.inject({ method: 'POST', url, headers, payload })
  assertError(t, await raw('', json), 422, 602, 'proposedEntry in body is required')
  assertError(t, await raw('{', json), 400, 400, /JSON/)
  assertError(
    t,
    await raw('{}', {}),
    415,
    415,
    'unsupported media type "application/octet-stream", only [application/json] are allowed',
  )
  assertError(
    t,
    await raw('a: b', { 'content-type': 'application/yaml' }),
    415,
    415,
    /^unsupported media type "application\/yaml"/,
  )
  t.equal(
    (await raw('{}', { ...json, accept: 'text/html' })).statusCode,
    422,
    'a POST is read whatever it accepts',
  )
  assertError(
    t,
    await raw(JSON.stringify('x'.repeat(100_001)), json),
    413,
    413,
    'Request Entity Too Large. Limit set to 100000',
  )
  t.equal((await rekor.log.treeHead()).size, 0n)
  t.equal(
    (
      await raw(JSON.stringify(proposal), {
        'content-type': 'application/json; charset=utf-8',
        accept: '*/*',
      })
    ).statusCode,
    201,
  )
})

t.test('paths, methods, types and browsers are treated as Rekor treats them', async (t) => {
  const rekor = await openRekor(t)
  assertError(t, await get(rekor, '/api/v1/nothing'), 404, 404, 'path /api/v1/nothing was not found')
  const wrong = await rekor.app.inject({ method: 'DELETE', url: '/api/v1/log' })
  assertError(t, wrong, 405, 405, 'method DELETE is not allowed, but [GET] are')
  t.equal(wrong.headers['allow'], 'GET')
  const query = await rekor.app.inject({ method: 'QUERY' as 'GET', url: '/api/v1/log' })
  assertError(t, query, 405, 405, 'method QUERY is not allowed, but [GET] are')
  const both = await rekor.app.inject({
    method: 'PUT',
    url: '/api/v1/log/entries',
    headers: json,
    payload: '{}',
  })
  assertError(t, both, 405, 405, 'method PUT is not allowed, but [GET,POST] are')
  const get405 = await get(rekor, '/api/v1/index/retrieve')
  assertError(t, get405, 405, 405, 'method GET is not allowed, but [POST] are')
  for (const url of ['/ping', '/PING', '/ping/']) {
    const ping = await get(rekor, url)
    t.match(
      { status: ping.statusCode, body: ping.body, type: ping.headers['content-type'] },
      { status: 200, body: '.', type: /^text\/plain/ },
      url,
    )
  }
  t.equal((await rekor.app.inject({ method: 'HEAD', url: '/ping' })).statusCode, 200)
  for (const url of ['/api/v1/log/', '//api//v1/log', '/api/v1/log//publicKey/'])
    t.equal((await get(rekor, url)).statusCode, 200, url)

  for (const method of ['DELETE', 'POST', 'PUT', 'TRACE'] as const)
    t.equal((await rekor.app.inject({ method: method as 'DELETE', url: '/ping' })).statusCode, 404, method)
  for (const accept of ['*/*', 'application/*', 'text/html, application/json;q=0.9']) {
    t.equal((await rekor.app.inject({ url: '/api/v1/log', headers: { accept } })).statusCode, 200, accept)
  }
  const preflight = await rekor.app.inject({
    method: 'OPTIONS',
    url: '/api/v1/log/entries',
    headers: {
      origin: 'https://search.example.org',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type',
    },
  })
  t.equal(preflight.statusCode, 204)
  t.equal(preflight.headers['access-control-allow-origin'], '*')
  t.match(preflight.headers['access-control-allow-methods'], /POST/)
  const ok = await get(rekor, '/api/v1/log')
  t.equal(ok.headers['vary'], 'Origin')
})

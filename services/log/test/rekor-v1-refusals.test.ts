import { gzipSync } from 'node:zlib'
import t from 'tap'
import { entryVector, json, openRekor, type Parsed, treeId } from './support.ts'
import {
  asJson,
  assertRows,
  browsers,
  cacheable,
  entries,
  error,
  get,
  index,
  missingHash,
  noType,
  post,
  type Row,
  refused,
  retrieve,
  uncached,
} from './wire-rows.ts'

t.test('parameters are refused with the number and the words of their fault (2.1 to 2.6, 9.1)', async (t) => {
  const { app } = await openRekor(t)
  const proof = (query: string) => get(`/api/v1/log/proof?${query}`)
  const key = (query: string) => get(`/api/v1/log/publicKey?${query}`)
  const id = (text: string) => get(`${entries}/${text}`)
  const notInt64 = (name: string, value: string) =>
    error(601, `${name} in query must be of type int64: "${value}"`)
  const below = (name: string, least: number) =>
    error(609, `${name} in query should be greater than or equal to ${least}`)
  const treeIdForm = error(605, "treeID in query should match '^[0-9]+$'")
  const idForm = error(605, "entryUUID in path should match '^([0-9a-fA-F]{64}|[0-9a-fA-F]{80})$'")
  const noKey = error(400, 'Bad Request')
  const tooLarge = (size: number) =>
    error(400, `the tree size requested(${size}) was greater than what is currently observable(0)`)
  await assertRows(t, app, [
    ['an empty tree ID is none', key('treeID='), 200, { 'content-type': 'application/x-pem-file' }],
    ['a key by tree ID', key(`treeID=${treeId}`), 200, { 'content-type': 'application/x-pem-file' }],
    ['a key of no tree', key('treeID=1'), 400, asJson, noKey],
    ['a key of a tree beyond int64', key('treeID=99999999999999999999'), 400, asJson, noKey],
    ['a key of a negative tree', key('treeID=-1'), 422, asJson, treeIdForm],
    ['no last size', proof('firstSize=1'), 422, asJson, error(602, 'lastSize in query is required')],
    ['an empty last size', proof('lastSize='), 422, asJson, error(602, 'lastSize in query is required')],
    ['a last size of zero', proof('lastSize=0'), 422, asJson, below('lastSize', 1)],
    ['a first size below it', proof('firstSize=-1&lastSize=1'), 422, asJson, below('firstSize', 1)],
    ['a first size of letters', proof('firstSize=x&lastSize=1'), 422, asJson, notInt64('firstSize', 'x')],
    [
      'a last size beyond int64',
      proof('lastSize=9223372036854775808'),
      422,
      asJson,
      notInt64('lastSize', '9223372036854775808'),
    ],
    [
      'a proof of no tree',
      proof('lastSize=1&treeID=42'),
      400,
      asJson,
      error(400, 'no log range found for tree ID 42'),
    ],
    ['a proof of a tree of letters', proof('lastSize=1&treeID=x'), 422, asJson, treeIdForm],
    ['a proof in an empty log', proof('lastSize=1&treeID='), 400, asJson, tooLarge(1)],
    [
      'the sizes the wrong way round',
      proof('firstSize=5&lastSize=3'),
      400,
      asJson,
      error(400, 'firstSize(5) must be less than lastSize(3)'),
    ],
    ['no index', get(`${entries}?logIndex=`), 422, asJson, error(602, 'logIndex in query is required')],
    ['an index of letters', get(`${entries}?logIndex=abc`), 422, asJson, notInt64('logIndex', 'abc')],
    ['an index below zero', get(`${entries}?logIndex=-1`), 422, asJson, below('logIndex', 0)],
    [
      'an index in an empty log',
      get(`${entries}?logIndex=0`),
      404,
      { ...browsers, ...uncached, ...noType },
      '',
    ],
    ['an ID that is too short', id('0'.repeat(63)), 422, asJson, idForm],
    ['an ID that is too long', id('0'.repeat(128)), 422, asJson, idForm],
    ['an ID between the lengths', id('0'.repeat(72)), 422, asJson, idForm],
    ['an ID that is not hex', id('g'.repeat(64)), 422, asJson, idForm],
    ['a leaf hash that is not there', id(missingHash), 404, { ...browsers, ...uncached, ...noType }, ''],
    ['an ID of no tree', id(`${'1'.repeat(16)}${missingHash}`), 404, noType, ''],
    ['an ID of tree zero', id(`${'0'.repeat(16)}${missingHash}`), 404, noType, ''],
    [
      'an ID of a tree beyond int64',
      id(`f${'0'.repeat(79)}`),
      400,
      asJson,
      error(400, 'validation error: f000000000000000 is not a valid TreeID'),
    ],
  ])
})

t.test('bodies that are no query or no proposal are told what they lack (2.4, 2.7, 2.8, 6.1)', async (t) => {
  const { app } = await openRekor(t, { bodyLimitBytes: 1_000_000 })
  const notParsed = (what: string) =>
    new RegExp(`^\\{"code":400,"message":"parsing ${what} body from \\\\"\\\\" failed, because .+"\\}\\n$`)
  const tooMany = error(422, 'more than max allowed 10 entries in request')
  const large = `"${'x'.repeat(1_048_577)}"`
  const unreadableKey = error(400, 'public key provided could not be parsed')
  const { publicKey } = entryVector('derived/intoto-0.0.1.json').proposal.spec
  const onlyHash = {
    apiVersion: '0.0.1',
    kind: 'intoto',
    spec: { content: { hash: { algorithm: 'sha256', value: missingHash } }, publicKey },
  }
  await assertRows(t, app, [
    ['no proposal', post(entries, ''), 422, asJson, error(602, 'proposedEntry in body is required')],
    [
      'no proposal and no type',
      { method: 'POST', url: entries },
      422,
      asJson,
      error(602, 'proposedEntry in body is required'),
    ],
    ...[entries, retrieve, index].map(
      (url): Row => [
        `a compressed body for ${url}`,
        { ...post(url, ''), payload: gzipSync('{}'), headers: { ...json, 'content-encoding': 'gzip' } },
        400,
        asJson,
        /the body is compressed, and bodies are taken as they are/,
      ],
    ),
    [
      'a body that is not what its header says, which nobody looks at',
      post(index, { hash: missingHash }, { ...json, 'content-encoding': 'gzip' }),
      200,
      asJson,
      '[]\n',
    ],
    ['null', post(entries, null), 422, asJson, error(602, 'proposedEntry in body is required')],
    [
      'no kind',
      post(entries, { apiVersion: '0.0.1', spec: {} }),
      422,
      asJson,
      error(602, 'kind in body is required'),
    ],
    [
      'an unknown kind',
      post(entries, { kind: 'x', apiVersion: '0.0.1', spec: {} }),
      422,
      asJson,
      error(422, 'invalid kind value: "x"'),
    ],
    [
      'no version',
      post(entries, { kind: 'dsse', spec: {} }),
      422,
      asJson,
      error(602, 'apiVersion in body is required'),
    ],
    [
      'no semver',
      post(entries, { kind: 'dsse', apiVersion: '1', spec: {} }),
      422,
      asJson,
      /^\{"code":605,"message":"apiVersion in body should match /,
    ],
    [
      'no spec',
      post(entries, { kind: 'dsse', apiVersion: '0.0.1' }),
      422,
      asJson,
      error(602, 'spec in body is required'),
    ],
    [
      'names in another case',
      post(entries, { KIND: 'dsse', ApiVersion: '9.9.9', Spec: {} }),
      400,
      asJson,
      /^\{"code":400,"message":"error processing entry: dsse implementation for version '9\.9\.9' not found: /,
    ],
    [
      'a proposal that is too large',
      post(entries, large),
      413,
      asJson,
      error(413, 'Request Entity Too Large. Limit set to 1000000'),
    ],
    ['no query for entries', post(retrieve, ''), 422, asJson, error(602, 'entry in body is required')],
    [
      'a query for entries that is cut off',
      post(retrieve, '{"logIndexes":[1'),
      400,
      asJson,
      notParsed('entry'),
    ],
    [
      'a proposal without spec in a query',
      post(retrieve, { entries: [onlyHash, { kind: 'dsse', apiVersion: '0.0.1' }] }),
      422,
      asJson,
      error(602, 'entries.1.spec in body is required'),
    ],
    [
      'an intoto 0.0.1 of only a hash in a query',
      post(retrieve, { entries: [onlyHash] }),
      200,
      asJson,
      '[]\n',
    ],
    [
      'an intoto 0.0.1 of only a hash',
      post('/api/v1/log/entries', onlyHash),
      400,
      asJson,
      error(400, 'error processing entry: entry not insertable into log: missing envelope content'),
    ],
    ['a query for nothing', post(retrieve, {}), 200, { ...asJson, ...cacheable }, '[]\n'],
    ['a query for entries of null', post(retrieve, null), 200, asJson, '[]\n'],
    [
      'lists of nothing',
      post(retrieve, { entryUUIDs: null, logIndexes: null, entries: null }),
      200,
      asJson,
      '[]\n',
    ],
    [
      'an empty list',
      post(retrieve, { entryUUIDs: [] }),
      422,
      asJson,
      error(612, 'entryUUIDs in body should have at least 1 items'),
    ],
    [
      'eleven IDs',
      post(retrieve, { entryUUIDs: Array(11).fill(missingHash) }),
      422,
      asJson,
      error(611, 'entryUUIDs in body should have at most 10 items'),
    ],
    [
      'eleven proposals',
      post(retrieve, { entries: Array(11).fill({}) }),
      422,
      asJson,
      error(611, 'entries in body should have at most 10 items'),
    ],
    [
      'six and five',
      post(retrieve, { entryUUIDs: Array(6).fill(missingHash), logIndexes: Array(5).fill(1) }),
      422,
      asJson,
      tooMany,
    ],
    [
      'an ID of a tree beyond int64 in a list',
      post(retrieve, { entryUUIDs: [`f${'0'.repeat(79)}`] }),
      400,
      asJson,
      error(400, `invalid entryID f${'0'.repeat(79)}`),
    ],
    [
      'an unknown kind in a list',
      post(retrieve, { entries: [{ kind: 'x', apiVersion: '0.0.1', spec: {} }] }),
      400,
      asJson,
      notParsed('entry'),
    ],
    [
      'a query for entries that is too large',
      post(retrieve, large),
      413,
      asJson,
      error(413, 'Request Entity Too Large. Limit set to 1000000'),
    ],
    ['no search', post(index, ''), 422, asJson, error(602, 'query in body is required')],
    ['a search that is cut off', post(index, '{"hash":'), 400, asJson, notParsed('query')],
    ['a search for nothing', post(index, {}), 200, { ...asJson, ...cacheable }, '[]\n'],
    [
      'a key elsewhere is no key',
      post(index, { publicKey: { format: 'x509', url: 'https://example.org/key' } }),
      400,
      asJson,
      unreadableKey,
    ],
    [
      'another operator',
      post(index, { operator: 'xor' }),
      422,
      asJson,
      error(606, 'operator in body should be one of [and or]'),
    ],
    [
      'another format',
      post(index, { publicKey: { format: 'gpg' } }),
      422,
      asJson,
      error(606, 'publicKey.format in body should be one of [pgp x509 minisign ssh tuf]'),
    ],
    ['a subject of no length', post(index, { subject: '' }), 200, asJson, '[]\n'],
    ['a query of null', post(index, null), 200, asJson, '[]\n'],
    [
      'a subject of any length',
      post(index, { subject: 'x'.repeat(513) }),
      422,
      asJson,
      error(603, 'subject in body should be at most 512 chars long'),
    ],
    ...['a'.repeat(39), `sha256:${'a'.repeat(128)}`, `sha384:${'a'.repeat(96)}`, `md5:${'a'.repeat(32)}`].map(
      (hash): Row => [
        `the digest ${hash.slice(0, 8)}`,
        post(index, { hash }),
        422,
        asJson,
        /^\{"code":605,"message":"hash in body should match '\^\(sha512:\)/,
      ],
    ),
    ...['a'.repeat(40), 'A'.repeat(64), 'a'.repeat(128), `sha1:${'a'.repeat(40)}`].map(
      (hash): Row => [`the digest ${hash.slice(0, 8)}`, post(index, { hash }), 200, asJson, '[]\n'],
    ),
  ])
})

t.test('refused entries are told why in words that people look for (9.2)', async (t) => {
  const { app } = await openRekor(t)
  const { proposal } = entryVector('derived/hashedrekord.json')
  const rejected = entryVector('derived/rejected.json')
  const changed = (change: (spec: Parsed) => void) => {
    const copy = structuredClone(proposal)
    change(copy.spec)
    return post(entries, copy)
  }
  const pem = (type: string, count = 1) =>
    Buffer.from(`-----BEGIN ${type}-----\nAAAA\n-----END ${type}-----\n`.repeat(count)).toString('base64')
  const key = (content: string) => changed(({ signature }) => Object.assign(signature.publicKey, { content }))
  const notPure = 'verifying signature: failed to verify signature: ed25519: invalid signature'
  const unverified = 'all signatures must have a key that verifies it'
  await assertRows(t, app, [
    [
      'a digest of another length',
      changed(({ data }) => Object.assign(data.hash, { value: 'ab' })),
      400,
      asJson,
      refused('invalid value for hash'),
    ],
    [
      'a key of another type',
      key(pem('RSA PUBLIC KEY')),
      400,
      asJson,
      refused('invalid public key: cannot handle type RSA PUBLIC KEY'),
    ],
    [
      'too many certificates',
      key(pem('CERTIFICATE', 11)),
      400,
      asJson,
      refused('too many certificates specified in PEM block'),
    ],
    [
      'another digest',
      changed(({ data }) => Object.assign(data.hash, { value: '0'.repeat(64) })),
      400,
      asJson,
      /"error processing entry: verifying signature: /,
    ],
    [
      'an Ed25519 signature that is not of a digest',
      post(entries, rejected['hashedrekord-ed25519-pure'].proposal),
      400,
      asJson,
      refused(notPure),
    ],
    [
      'a pair that is not allowed',
      post(entries, rejected['hashedrekord-rsa2048-sha512'].proposal),
      400,
      asJson,
      refused('entry algorithms are not allowed'),
    ],
    [
      'a signature without its key',
      post(entries, rejected['dsse-one-of-two-verifiers'].proposal),
      400,
      asJson,
      refused(unverified),
    ],
    [
      'an artifact that was left out',
      post(entries, {
        apiVersion: '0.0.1',
        kind: 'rekord',
        spec: JSON.parse(entryVector('derived/rekord-ssh.json').canonicalBody).spec,
      }),
      400,
      asJson,
      refused('entry not insertable into log: missing data content'),
    ],
  ])
})

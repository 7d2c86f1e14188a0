import t from 'tap'
import { createTestCa } from './certified.ts'
import { openRekor, type Parsed, proposalFor, treeId } from './support.ts'
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
  post,
  type Row,
  retrieve,
  uncached,
} from './wire-rows.ts'

t.test('media types, caching and browsers are dealt with as by Rekor, on every path (1.1)', async (t) => {
  const { app } = await openRekor(t)
  const gets = [
    '/api/v1/log',
    '/api/v1/log/proof?firstSize=1&lastSize=1',
    `${entries}?logIndex=0`,
    `${entries}/${missingHash}`,
  ]
  const posts = [entries, retrieve, index]
  const onlyJson = error(406, 'unsupported media type requested, only [application/json] are available')
  const first = proposalFor('first')
  await app.inject(post(entries, first))
  const rows: Row[] = [
    ...posts.flatMap((url): Row[] => [
      [
        `${url} of another type`,
        post(url, 'a: b', { 'content-type': 'application/yaml' }),
        415,
        { ...asJson, ...cacheable },
        error(415, 'unsupported media type "application/yaml", only [application/json] are allowed'),
      ],
      [
        `${url} without a type`,
        post(url, '{}', {}),
        415,
        asJson,
        error(415, 'unsupported media type "application/octet-stream", only [application/json] are allowed'),
      ],
      [
        `${url} with a charset`,
        post(`${url}/`, '{', { 'content-type': 'application/json; charset=utf-8' }),
        400,
        asJson,
      ],
    ]),
    ...gets.flatMap((url): Row[] => [
      [
        `${url} for other readers`,
        get(url, { accept: 'application/xml' }),
        406,
        { ...asJson, ...uncached },
        onlyJson,
      ],
      [
        `${url} for anybody`,
        get(url, { accept: '*/*' }),
        url.includes(missingHash) ? 404 : 200,
        { ...browsers, ...uncached },
      ],
      [
        `HEAD of ${url}`,
        { method: 'HEAD', url },
        url.includes(missingHash) ? 404 : 200,
        { ...browsers, ...uncached },
        '',
      ],
    ]),
    [
      'the key is PEM',
      get('/api/v1/log/publicKey'),
      200,
      { ...browsers, ...uncached, 'content-type': 'application/x-pem-file' },
      /^-----BEGIN PUBLIC KEY-----\n[\s\S]+\n-----END PUBLIC KEY-----\n$/,
    ],
    [
      'the key comes as JSON too',
      get('/api/v1/log/publicKey', { accept: 'application/json' }),
      200,
      { ...asJson, ...uncached },
      /^"-----BEGIN PUBLIC KEY-----\\n\S+[^"]*\\n-----END PUBLIC KEY-----\\n"\n$/,
    ],
    [
      'the key is nothing else',
      get('/api/v1/log/publicKey', { accept: 'text/html' }),
      406,
      { ...asJson, ...uncached },
      error(
        406,
        'unsupported media type requested, only [application/x-pem-file application/json] are available',
      ),
    ],
    ['refusals of GETs are not cached either', get(entries), 422, { ...asJson, ...uncached }],
    [
      'an answer to a POST says nothing of caching',
      post(entries, proposalFor('cached')),
      201,
      { ...asJson, ...cacheable },
    ],
    ['nor does a conflict', post(entries, first), 409, { ...asJson, ...cacheable, etag: undefined }],
    [
      'scripts of other origins see no headers',
      get('/api/v1/log', { origin: 'https://search.example.org' }),
      200,
      { ...browsers, 'access-control-expose-headers': undefined },
    ],
    [
      'texts are not escaped for HTML',
      post(entries, { kind: '<a>&', apiVersion: '0.0.1', spec: {} }),
      422,
      asJson,
      error(422, 'invalid kind value: "<a>&"'),
    ],
  ]
  await assertRows(t, app, rows)
})

t.test('paths and methods that there are not are told apart (2, 9.1)', async (t) => {
  const { app } = await openRekor(t)
  const methods: Readonly<Record<string, string>> = {
    '/api/v1/log': 'GET',
    '/api/v1/log/publicKey': 'GET',
    '/api/v1/log/proof': 'GET',
    [entries]: 'GET,POST',
    [`${entries}/${missingHash}`]: 'GET',
    [retrieve]: 'POST',
    [index]: 'POST',
  }
  const rows = Object.entries(methods).flatMap(([url, allow]): Row[] =>
    (['PUT', 'PATCH', 'DELETE'] as const).map((method) => [
      `${method} ${url}`,
      { method, url },
      405,
      { ...asJson, allow },
      error(405, `method ${method} is not allowed, but [${allow}] are`),
    ]),
  )
  await assertRows(t, app, [
    ...rows,
    ['no such path', get('/api/v2/log'), 404, asJson, error(404, 'path /api/v2/log was not found')],
    [
      'the query is not part of it',
      get('/version?a=b'),
      404,
      asJson,
      error(404, 'path /version was not found'),
    ],
    ['a pulse', get('/PiNg'), 200, browsers, '.'],
  ])
})

t.test('base64 is read as Go reads it, and written anew (1.2)', async (t) => {
  const { app } = await openRekor(t)
  /** A signature of this length ends with one sign of padding, after four bits of which two count. */
  const padded = () => {
    for (;;) {
      const proposal = proposalFor('padded')
      if (/[^=]=$/.test(proposal.spec.signature.content)) return proposal
    }
  }
  const withContent = (proposal: ReturnType<typeof proposalFor>, content: string) => {
    const { data, signature } = proposal.spec
    return post(entries, { ...proposal, spec: { data, signature: { ...signature, content } } })
  }
  const noBase64 = /^\{"code":400,"message":"error processing entry: failed parsing base64 data for /
  const bad = (change: (content: string) => string, name: string): Row => {
    const proposal = padded()
    return [name, withContent(proposal, change(proposal.spec.signature.content)), 400, asJson, noBase64]
  }
  await assertRows(t, app, [
    bad((content) => `${content.slice(0, 8)} ${content.slice(8)}`, 'a space'),
    bad((content) => content.slice(0, -1), 'no padding'),
    bad((content) => `_-${content.slice(2)}`, 'the URL alphabet'),
  ])
  const proposal = padded()
  const { content } = proposal.spec.signature
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
  const trailing = alphabet[alphabet.indexOf(content.at(-2)!) + 1]
  const broken = `${content.slice(0, 8)}\r\n${content.slice(8)}\n`
  const spare = `${content.slice(0, -2)}${trailing}=`
  await assertRows(t, app, [
    ['line breaks', withContent(proposal, broken), 201, asJson],
    ['bits that do not count: the same entry', withContent(proposal, spare), 409, asJson],
  ])
  const logged: Parsed = Object.values((await app.inject(`${entries}?logIndex=0`)).json())[0]
  const body = JSON.parse(Buffer.from(logged.body, 'base64').toString())
  t.equal(body.spec.signature.content, content)
})

t.test('the same upload many times at once is one entry, which every answer leads to (2.4)', async (t) => {
  const { app, log } = await openRekor(t)
  const proposal = proposalFor('at once')
  const answers = await Promise.all(Array.from({ length: 10 }, () => app.inject(post(entries, proposal))))
  t.equal(answers.filter(({ statusCode }) => statusCode === 201).length, 1)
  t.equal(answers.filter(({ statusCode }) => statusCode === 409).length, 9)
  const locations = new Set(answers.map(({ headers }) => headers['location']))
  t.equal(locations.size, 1)
  for (const location of locations) t.equal((await app.inject(String(location))).statusCode, 200)
  t.equal((await log.treeHead()).size, 1n)
})

t.test(
  'names are found in any case, of addresses, URIs and whatever else a certificate names (2.8)',
  async (t) => {
    const { app } = await openRekor(t)
    const ca = await createTestCa()
    const issuer = 'https://accounts.example.org'
    const workflow = 'https://git.example.org/Acme/App/.github/workflows/Build.yml@refs/heads/main'
    const idOf = async (proposal: unknown) =>
      String((await app.inject(post(entries, proposal))).headers['etag'])
    const byEmail = await idOf(
      (await ca.propose('a', { type: 'email', value: 'Ann@Example.org' }, issuer)).proposal,
    )
    const byUri = await idOf((await ca.propose('b', { type: 'uri', value: workflow }, issuer)).proposal)
    const found = (id: string) => `["${id}"]\n`
    await assertRows(t, app, [
      ['an address', post(index, { email: 'aNN@eXAMPLE.oRG' }), 200, asJson, found(byEmail)],
      ['an address as subject', post(index, { subject: 'ann@example.org' }), 200, asJson, found(byEmail)],
      ['a URI', post(index, { subject: workflow.toUpperCase() }), 200, asJson, found(byUri)],
      [
        'both at once',
        post(index, { email: 'ann@example.org', subject: workflow, operator: 'and' }),
        200,
        asJson,
        '[]\n',
      ],
    ])
  },
)

t.test('failures of ours say what failed and nothing of how (9.1)', async (t) => {
  const { app, database } = await openRekor(t)
  for (const table of ['search_key', 'entry'])
    await database.pool.query(`alter table ${table} rename to ${table}_away`)
  const searching = error(500, 'unexpected result from searching index')
  const reading = error(500, 'unexpected error communicating with transparency log')
  await assertRows(t, app, [
    ['a search', post(index, { hash: missingHash }), 500, asJson, searching],
    ['an entry', get(`${entries}/${missingHash}`), 500, { ...asJson, ...uncached }, reading],
    ['a new entry', post(entries, proposalFor('failing')), 500, asJson, reading],
  ])
})

t.test('a checkpoint is a note of five lines and one signature, byte for byte (4)', async (t) => {
  const { app, shard } = await openRekor(t)
  await app.inject(post(entries, proposalFor('noted')))
  const { signedTreeHead, rootHash } = (await app.inject('/api/v1/log')).json()
  const root = Buffer.from(rootHash, 'hex').toString('base64')
  const text = `rekor.example.org - ${treeId}\n1\n${root}\n\n\u2014 rekor.example.org `
  t.equal(signedTreeHead.slice(0, text.length), text)
  const [, signature] = /^([A-Za-z0-9+/]+={0,2})\n$/.exec(signedTreeHead.slice(text.length)) ?? []
  const hint = Buffer.from(signature ?? '', 'base64').subarray(0, 4)
  t.equal(hint.toString('hex'), shard.logIdHex.slice(0, 8), 'the hint is the start of the log ID')
})

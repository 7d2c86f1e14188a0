/** Entries of Rekor v2 are found and told of as those of Rekor v1, in one database and apart. */

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { sha256, sha256Hex } from '@sigstack/crypto'
import { auditPlainLog, auditRekor, reindex } from '@sigstack/rekor-log'
import t, { type Test } from 'tap'
import { createTestCa } from './certified.ts'
import { emptyDatabase, type LogUnderTest, startRekor } from './running-log.ts'
import type { Parsed } from './support.ts'

t.setTimeout(300_000)
const issuer = 'https://accounts.example.org'

/** The Rekor v2 request that stands for a hashedrekord proposal of v1. */
function requestOf({ spec }: Parsed): Parsed {
  const pem = Buffer.from(spec.signature.publicKey.content, 'base64').toString()
  const der = pem.replaceAll(/-----.*-----|\n/g, '')
  return {
    hashedRekordRequestV002: {
      digest: Buffer.from(spec.data.hash.value, 'hex').toString('base64'),
      signature: {
        content: spec.signature.content,
        verifier: { x509Certificate: { rawBytes: der }, keyDetails: 'PKIX_ECDSA_P256_SHA_256' },
      },
    },
  }
}

async function ask(url: string, path: string, body: unknown): Promise<Parsed> {
  const answer = await fetch(`${url}${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  })
  return { status: answer.status, ...((await answer.json()) as object) }
}

/** Of two entries of one millisecond none is the newer one. */
async function nextMoment(): Promise<void> {
  for (const now = Date.now(); Date.now() <= now + 1; ) await new Promise(setImmediate)
}

async function both(t: Test, variables: Readonly<Record<string, string>> = {}) {
  const database = await emptyDatabase(t)
  const keys = t.testdir()
  const start = (face: string, LOG_HOSTNAME: string) =>
    startRekor(t, {
      ...database,
      keysFolder: path.join(keys, face),
      variables: { LOG_FACE: face, LOG_HOSTNAME, ...variables },
    })
  return {
    database,
    v1: await start('rekor-v1', 'rekor.example.org'),
    v2: await start('rekor-v2', 'log2.example.org'),
  }
}

t.test(
  'a query finds entries of both logs at either, in order, and says which log they are in',
  async (t) => {
    const { database, v1, v2 } = await both(t)
    const ca = await createTestCa()
    const log = async (to: LogUnderTest, artifact: string) => {
      const { proposal } = await ca.propose(artifact, { type: 'email', value: 'ann@example.org' }, issuer)
      const answer =
        to === v1
          ? await ask(v1.url, '/api/v1/log/entries', proposal)
          : await ask(v2.url, '/api/v2/log/entries', requestOf(proposal as Parsed))
      t.equal(answer.status, 201)
      await nextMoment()
    }
    for (const [to, artifact] of [
      [v1, 'a'],
      [v2, 'b'],
      [v2, 'c'],
      [v1, 'd'],
      [v2, 'e'],
    ] as const)
      await log(to, artifact)

    for (const { url } of [v1, v2]) {
      // Each is indexed by the process that logged it; whoever else looks may be a moment early.
      let whole: Parsed = {}
      do whole = await ask(url, '/api/v1/search', { email: 'ann@example.org' })
      while (whole.entries.length < 5)
      t.equal(whole.status, 200)
      t.same(
        whole.entries.map(({ log, origin }: Parsed) => [log, String(origin).split(' ')[0]]),
        ['2', '1', '2', '2', '1'].map((version) => [
          `rekor-v${version}`,
          version === '1' ? 'rekor.example.org' : 'log2.example.org',
        ]),
        'newest first',
      )
      t.match(whole.entries[0], { logIndex: 3, kind: 'hashedrekord', apiVersion: '0.0.2', issuers: [issuer] })
      t.notOk('entryID' in whole.entries[0])
      t.match(whole.entries[1], { logIndex: 2, apiVersion: '0.0.1', entryID: /^[0-9a-f]{80}$/ })
      t.same(whole.logs, [
        { log: 'rekor-v1', indexed: 3 },
        { log: 'rekor-v2', indexed: 4 },
      ])
      t.equal(whole.indexed, 7)

      for (const order of ['newest', 'oldest']) {
        const seen: string[] = []
        for (let cursor: string | undefined; ; ) {
          const page = await ask(url, '/api/v1/search', {
            email: 'ann@example.org',
            order,
            limit: 2,
            ...(cursor && { cursor }),
          })
          seen.push(...page.entries.map(({ leafHash }: Parsed) => leafHash))
          cursor = page.next
          if (cursor === undefined) break
        }
        const all = whole.entries.map(({ leafHash }: Parsed) => leafHash)
        t.same(seen, order === 'newest' ? all : all.toReversed(), `in pages, ${order}`)
      }
      const one = await ask(url, '/api/v1/search', { email: 'ann@example.org', log: 'rekor-v2' })
      t.equal(one.entries.length, 3)
      const byDigest = await fetch(`${url}/api/v1/search?digest=sha256:${sha256Hex('c')}`)
      t.match(await byDigest.json(), { entries: [{ log: 'rekor-v2', logIndex: 2 }] })
    }
    t.match(await ask(v2.url, '/api/v1/search', { log: 'ct' }), {
      status: 400,
      code: 3,
      message: /log in query/,
    })
    t.match(await ask(v1.url, '/api/v1/search', { log: 'ct' }), { status: 422, code: 606 })

    const { pool } = database
    const sound = () => auditPlainLog({ pool, log: 'rekor-v2' })
    t.match(await sound(), { searched: 4n, indexed: 4n, findingCount: 0 })
    t.match(
      await auditRekor({ pool, search: 'all' }),
      { searched: 3n, findingCount: 0 },
      'each index is its own',
    )
    await pool.query('delete from search_key_rekor_v2 where leaf_index = 2')
    t.match(await sound(), { findings: [{ kind: 'search', message: /entry 2 is not found/ }] })
    t.match(await reindex({ pool, name: 'rekor-v2' }), { entries: 4n, unreadable: 0 })
    t.match(await sound(), { findingCount: 0 })
    await log(v2, 'f')
    t.match(await (await fetch(`${v2.url}/readyz`)).json(), { checks: { search: /./ } })
  },
)

t.test('a log of Rekor v2 alone is searched without another', async (t) => {
  const v2 = await startRekor(t, {
    ...(await emptyDatabase(t)),
    keysFolder: t.testdir(),
    variables: { LOG_FACE: 'rekor-v2', LOG_HOSTNAME: 'log2.example.org' },
  })
  let found: Parsed = {}
  do found = await ask(v2.url, '/api/v1/search', { digest: `sha256:${sha256Hex('x')}` })
  while (found.indexed === 0)
  t.match(found, {
    status: 200,
    entries: [],
    logs: [{ log: 'rekor-v2', indexed: 1 }],
  })
})

t.test('an event of a new entry of Rekor v2 has the entry with a proof', async (t) => {
  const received: Parsed[] = []
  const more = Promise.withResolvers<void>()
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request
      .on('data', (chunk: Buffer) => chunks.push(chunk))
      .on('end', () => {
        received.push(JSON.parse(Buffer.concat(chunks).toString()))
        response.end()
        more.resolve()
      })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close().closeAllConnections())
  const v2 = await startRekor(t, {
    ...(await emptyDatabase(t)),
    keysFolder: t.testdir(),
    variables: {
      LOG_FACE: 'rekor-v2',
      LOG_HOSTNAME: 'log2.example.org',
      LOG_EVENTS_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    },
  })
  const { proposal } = await (await createTestCa()).propose(
    'a',
    { type: 'email', value: 'ann,b@example.org' },
    issuer,
  )
  const answer = await ask(v2.url, '/api/v2/log/entries', requestOf(proposal as Parsed))
  await more.promise
  const [event] = received
  const leaf = Buffer.concat([Buffer.of(0), Buffer.from(answer.canonicalizedBody, 'base64')])
  t.match(event, {
    specversion: '1.0',
    type: 'dev.sigstore.rekor.events.v2.NewEntry',
    source: '/api/v2/log/entries',
    id: Buffer.from(sha256(leaf)).toString('hex'),
    rekor_log_origin: 'log2.example.org',
    rekor_log_index: '1',
    rekor_entry_kind: 'hashedrekord',
    rekor_signing_subjects: 'ann%2Cb@example.org',
  })
  const withoutProof = { ...answer, status: undefined, inclusionProof: {} }
  t.match({ ...event?.data, inclusionProof: {} }, JSON.parse(JSON.stringify(withoutProof)))
  t.ok(BigInt(event?.data.inclusionProof.treeSize) >= 2n)
  t.match(
    await v2.read('/metrics'),
    'rekor_publish_events{content_type="application/cloudevents+json",event="NewEntry",status="SUCCESS"} 1',
  )
})

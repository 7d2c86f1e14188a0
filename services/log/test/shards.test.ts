/** Two replicas over one database, rolled over while writers write through both. */
import '@sigstack/signers/few-rounds'
import { mkdir, readdir } from 'node:fs/promises'
import path from 'node:path'
import { parseCheckpoint, rekorV1KeyHint, verifyCheckpoint } from '@sigstack/checkpoint'
import { type PublicKey, parsePublicKeyPem, sha256Hex, verifySignature } from '@sigstack/crypto'
import { asHash, leafHash, verifyConsistency, verifyInclusion } from '@sigstack/merkle'
import { createPool } from '@sigstack/postgres'
import { testDatabase } from '@sigstack/postgres/testing'
import {
  cancelRollover,
  changeMode,
  commitRollover,
  preparedRollover,
  prepareRollover,
} from '@sigstack/rekor-log'
import { createLogger } from '@sigstack/server'
import { createKeyFile } from '@sigstack/signers'
import t, { type Test as TapTest } from 'tap'
import { type RunningLog, readConfig, startLog } from '../src/index.ts'
import { type Parsed, proposalFor } from './support.ts'

const logger = createLogger({ name: 'log', level: 'silent' })
const password = 'a password'

async function openReplicas(t: TapTest) {
  const { connectionString } = await testDatabase(t)
  const pool = createPool({ connectionString, maxConnections: 2 })
  t.teardown(() => pool.end())
  const keysFolder = t.testdir({})
  const config = readConfig(
    {
      LOG_FACE: 'rekor-v1',
      LOG_HOSTNAME: 'rekor.example.org',
      DATABASE_URL: connectionString,
      LOG_PORT: '0',
      LOG_KEY: path.join(keysFolder, 'first.pem'),
    },
    password,
  )
  const start = async () => {
    const replica = await startLog(config, { logger })
    t.teardown(() => replica.stop())
    return replica
  }
  return { pool, keysFolder, start, replicas: [await start(), await start()] as const }
}

const get = async ({ url }: RunningLog, at: string): Promise<Parsed> => {
  const answer = await fetch(`${url}${at}`)
  const text = await answer.text()
  return answer.headers.get('content-type') === 'application/json' && answer.ok ? JSON.parse(text) : text
}

const post = async ({ url }: RunningLog, proposal: unknown, at = '/api/v1/log/entries') => {
  const answer = await fetch(`${url}${at}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(proposal),
  })
  return { status: answer.status, headers: answer.headers, text: await answer.text() }
}

type Kept = { readonly id: string; readonly entry: Parsed }

function kept(text: string): Kept {
  const [[id, entry] = []] = Object.entries(JSON.parse(text) as Record<string, Parsed>)
  if (id === undefined) throw new Error(`no entry: ${text}`)
  return { id, entry }
}

/** Everything that a client checks: leaf, proof, checkpoint, SET, and whose key it is. */
async function verify({ id, entry }: Kept, keys: readonly PublicKey[]): Promise<void> {
  const key = keys.find(({ spki }) => sha256Hex(spki) === entry.logID)
  if (key === undefined) throw new Error(`entry ${id} is by an unknown key`)
  const { inclusionProof: proof, signedEntryTimestamp } = entry.verification
  const leaf = leafHash(Buffer.from(entry.body, 'base64'))
  if (!id.endsWith(Buffer.from(leaf).toString('hex'))) throw new Error('another entry')
  const rootHash = asHash(Buffer.from(proof.rootHash, 'hex'))
  verifyInclusion(
    {
      leafIndex: BigInt(proof.logIndex),
      treeSize: BigInt(proof.treeSize),
      siblings: proof.hashes.map((hash: string) => asHash(Buffer.from(hash, 'hex'))),
    },
    leaf,
    rootHash,
  )
  const { origin } = await verifyCheckpoint(proof.checkpoint, {
    publicKey: key,
    keyHint: rekorV1KeyHint(key),
    name: 'rekor.example.org',
    expectedTreeHead: { size: BigInt(proof.treeSize), rootHash },
  })
  const treeId = BigInt(`0x${id.slice(0, 16)}`)
  if (origin !== `rekor.example.org - ${treeId}`) throw new Error('the checkpoint is of another shard')
  const { body, integratedTime, logID, logIndex } = entry
  const promised = Buffer.from(JSON.stringify({ body, integratedTime, logID, logIndex }))
  if (!(await verifySignature(key, 'sha256', promised, Buffer.from(signedEntryTimestamp, 'base64')))) {
    throw new Error('the SET does not verify')
  }
}

t.test('a rollover to a new key while writers write: no error, no gap, old proofs are served', async (t) => {
  const { pool, keysFolder, start, replicas } = await openReplicas(t)
  const [one, two] = replicas
  const prepared = await prepareRollover(pool, { keysFolder, password })
  t.same(
    (await prepareRollover(pool, { keysFolder, password })).publicKeyPem,
    prepared.publicKeyPem,
    'prepared once',
  )
  t.equal(
    await get(two, '/api/v1/log/publicKeys'),
    one.publicKeyPem + prepared.publicKeyPem,
    'both keys are published before the switch',
  )
  t.equal(await get(two, '/api/v1/log/publicKey'), one.publicKeyPem)
  const before = await get(one, '/api/v1/log')

  const writing = { done: false }
  const answers: { status: number; text: string }[] = []
  const writers = Array.from({ length: 8 }, async (_, writer) => {
    for (let i = 0; !writing.done && i < 500; i++) {
      const replica = replicas[(writer + i) % 2] as RunningLog
      const { status, headers, text } = await post(replica, proposalFor(`writer ${writer} entry ${i}`))
      answers.push({ status, text })
      if (i % 5 !== 0) continue
      const other = replicas[(writer + i + 1) % 2] as RunningLog
      const read = await fetch(`${other.url}${headers.get('location')}`)
      await read.arrayBuffer()
      if (read.status !== 200) answers.push({ status: read.status, text: 'the other replica has it not' })
    }
  })
  while (answers.length < 60) await new Promise((resolve) => setTimeout(resolve, 5))
  const { frozen, active } = await commitRollover(pool, { key: 'prepared', keysFolder, password })
  const atSwitch = answers.length
  while (answers.length < atSwitch + 60) await new Promise((resolve) => setTimeout(resolve, 5))
  writing.done = true
  await Promise.all(writers)

  t.same(
    answers.filter(({ status }) => status !== 201),
    [],
    'no writer saw an error',
  )
  const keys = [one.publicKeyPem, prepared.publicKeyPem].map(parsePublicKeyPem)
  const entries = answers.map(({ text }) => kept(text))
  for (const entry of entries) await verify(entry, keys)
  t.equal(new Set(entries.map(({ entry }) => entry.logID)).size, 2, 'both shards were written to')

  const log = await get(two, '/api/v1/log')
  const [inactive] = log.inactiveShards
  t.equal(log.inactiveShards.length, 1)
  t.equal(inactive.treeID, before.treeID)
  t.equal(BigInt(inactive.treeSize), frozen.size)
  t.equal(parseCheckpoint(inactive.signedTreeHead).origin, frozen.origin)
  t.equal(parseCheckpoint(log.signedTreeHead).origin, active.origin)
  t.equal((await get(two, '/api/v1/log')).inactiveShards[0].signedTreeHead, inactive.signedTreeHead)

  const total = inactive.treeSize + log.treeSize
  const indexes = entries.map(({ entry }) => entry.logIndex).toSorted((a, b) => a - b)
  t.equal(new Set(indexes).size, entries.length, 'no index twice')
  // Of the first entry of a shard there is one by each replica that opened it before the other's was there.
  t.ok([2, 3].includes(total - entries.length), 'nothing but the first entries of both shards besides')
  for (let index = 0; index < total; index++) {
    const answer = await fetch(`${one.url}/api/v1/log/entries?logIndex=${index}`)
    const entry = kept(await answer.text())
    if (entry.entry.logIndex !== index) t.fail(`index ${index} shows ${entry.entry.logIndex}`)
    if (index % 10 === 0) await verify(entry, keys)
  }
  t.equal((await fetch(`${one.url}/api/v1/log/entries?logIndex=${total}`)).status, 404)

  const shardOf = (treeId: string) => `/shards/${treeId}`
  t.equal(
    await get(two, `${shardOf(inactive.treeID)}/checkpoint`),
    inactive.signedTreeHead,
    'each at its own place',
  )
  t.equal(parseCheckpoint(await get(two, `${shardOf(log.treeID)}/checkpoint`)).origin, active.origin)
  t.equal(
    parseCheckpoint(await get(two, '/checkpoint')).origin,
    active.origin,
    'without one, the active shard',
  )
  const width = Math.min(256, Number(frozen.size))
  const firstTile = width === 256 ? '000' : `000.p/${width}`
  const tile = await fetch(`${two.url}${shardOf(inactive.treeID)}/tile/0/${firstTile}`)
  t.equal(tile.headers.get('cache-control'), 'max-age=604800, immutable')
  const leafHashes = Buffer.from(await tile.arrayBuffer())
  const known = entries.filter(({ entry }) => entry.logIndex < width)
  for (const { id, entry } of known) {
    const at = entry.logIndex * 32
    if (!id.endsWith(leafHashes.toString('hex', at, at + 32)))
      t.fail(`entry ${entry.logIndex} is not in its tile`)
  }
  const bundle = await fetch(`${one.url}${shardOf(inactive.treeID)}/tile/entries/${firstTile}`)
  t.equal(bundle.status, 200)
  for (const elsewhere of ['0', '1', `0${inactive.treeID}`, 'x', '9'.repeat(30), `${inactive.treeID}/x`]) {
    t.equal((await fetch(`${one.url}${shardOf(elsewhere)}/checkpoint`)).status, 404, elsewhere)
  }

  const old = entries.find(({ entry }) => BigInt(entry.logIndex) < frozen.size) as Kept
  for (const id of [old.id, old.id.slice(16)]) {
    const again = kept(JSON.stringify(await get(two, `/api/v1/log/entries/${id}`)))
    t.equal(again.id, old.id)
    await verify(again, keys)
    t.equal(BigInt(again.entry.verification.inclusionProof.treeSize), frozen.size, 'against the frozen root')
  }
  const { hashes } = await get(
    two,
    `/api/v1/log/proof?firstSize=${before.treeSize}&lastSize=${inactive.treeSize}&treeID=${inactive.treeID}`,
  )
  verifyConsistency(
    {
      oldSize: BigInt(before.treeSize),
      newSize: frozen.size,
      hashes: hashes.map((hash: string) => asHash(Buffer.from(hash, 'hex'))),
    },
    parseCheckpoint(before.signedTreeHead).treeHead.rootHash,
    parseCheckpoint(inactive.signedTreeHead).treeHead.rootHash,
  )
  t.equal(await get(two, `/api/v1/log/publicKey?treeID=${inactive.treeID}`), one.publicKeyPem)
  t.equal(await get(two, `/api/v1/log/publicKey?treeID=${log.treeID}`), prepared.publicKeyPem)
  t.equal(await get(one, '/api/v1/log/publicKey'), prepared.publicKeyPem)

  const ofOldShard = JSON.parse(Buffer.from(old.entry.body, 'base64').toString()).spec.data.hash.value
  const found = async (value: string): Promise<readonly string[]> =>
    JSON.parse((await post(one, { hash: `sha256:${value}` }, '/api/v1/index/retrieve')).text)
  const newest = entries.find(({ entry }) => entry.logIndex === total - 1) as Kept
  const ofNewShard = JSON.parse(Buffer.from(newest.entry.body, 'base64').toString()).spec.data.hash.value
  const until = Date.now() + 60_000
  while ((await found(ofNewShard)).length === 0 && Date.now() < until)
    await new Promise((resolve) => setTimeout(resolve, 50))
  t.same(await found(ofNewShard), [newest.id], 'search finds what is in the new shard')
  t.same(await found(ofOldShard), [old.id], 'and what is in the old one')

  const retrieved = JSON.parse(
    (
      await post(
        two,
        { entryUUIDs: [old.id.slice(16), newest.id], logIndexes: [0, total - 1] },
        '/api/v1/log/entries/retrieve',
      )
    ).text,
  ) as Parsed[]
  t.same(
    retrieved.map((answer) => Object.values(answer as Record<string, Parsed>)[0].logIndex),
    [newest.entry.logIndex, old.entry.logIndex, 0, total - 1],
  )

  const third = await start()
  t.equal(third.origin, active.origin, 'a process that starts later opens both shards')
  t.equal((await get(third, '/api/v1/log')).inactiveShards.length, 1)
  await verify(kept(JSON.stringify(await get(third, `/api/v1/log/entries/${old.id}`))), keys)
  t.equal((await post(third, proposalFor('after the restart'))).status, 201)
})

t.test('only the active shard counts for duplicates; the same key may go on', async (t) => {
  const { pool, replicas } = await openReplicas(t)
  const [one, two] = replicas
  const proposal = proposalFor('twice')
  const first = kept((await post(one, proposal)).text)
  t.equal((await post(one, proposal)).status, 409)
  await commitRollover(pool, { key: 'same' })
  const again = await post(one, proposal)
  t.equal(again.status, 201)
  const second = kept(again.text)
  t.equal(second.entry.logID, first.entry.logID)
  t.not(second.id, first.id)
  t.equal((await post(two, proposal)).status, 409)
  const both = JSON.parse(
    (await post(two, { entryUUIDs: [first.id.slice(16)] }, '/api/v1/log/entries/retrieve')).text,
  )
  t.equal(both.length, 2, 'an entry of two shards is retrieved twice')
  const newest = await get(two, `/api/v1/log/entries/${first.id.slice(16)}`)
  t.same(Object.keys(newest as object), [second.id], 'asked for by hash alone, the active shard comes first')
  await verify(second, [parsePublicKeyPem(one.publicKeyPem)])
})

t.test('a replica without the new key asks writers to wait, and serves what it can', async (t) => {
  const { pool, keysFolder, replicas } = await openReplicas(t)
  const [one] = replicas
  const other = path.join(keysFolder, 'elsewhere')
  await mkdir(other)
  await post(one, proposalFor('before'))
  await prepareRollover(pool, { keysFolder: other, password, isNewFolder: true })
  const ready = async () => (await (await fetch(`${one.url}/readyz`)).json()) as Parsed
  while ((await ready()).checks.nextKey === undefined);
  t.match(
    (await ready()).checks.nextKey,
    /^cannot be opened here: cannot read .*rekor-v1\.1\.key\.pem/,
    'an operator sees it',
  )
  t.equal((await ready()).status, 'ready', 'writing goes on')
  const keys = await fetch(`${one.url}/api/v1/log/publicKeys`)
  t.equal(keys.status, 200)
  t.equal((await keys.text()).match(/BEGIN/g)?.length, 2, 'and the keys are told')
  await commitRollover(pool, { key: 'prepared', keysFolder: other, password })
  const refused = await post(one, proposalFor('after'))
  t.equal(refused.status, 503)
  t.equal(refused.headers.get('retry-after'), '1')
  t.match(refused.text, /rolled over to a shard that cannot be opened here/)
  t.equal((await fetch(`${one.url}/api/v1/log/entries?logIndex=1`)).status, 200)
  t.equal((await fetch(`${one.url}/api/v1/log/publicKeys`)).status, 200)
})

t.test(
  'a key is prepared only where the replicas will find and open it, and can be taken back',
  async (t) => {
    const { pool, keysFolder } = await openReplicas(t)
    const other = path.join(keysFolder, 'elsewhere')
    await mkdir(other)
    const fails = (
      options: Partial<Parameters<typeof prepareRollover>[1]>,
      expected: { code: string; message?: RegExp },
    ) => t.rejects(prepareRollover(pool, { keysFolder, password, ...options }), expected)
    await fails({ password: 'another' }, { code: 'wrong_password' })
    await fails(
      { keysFolder: other },
      { code: 'foreign_key', message: /holds no key of rekor\.example\.org - / },
    )
    await fails({ keysFolder: path.join(other, 'none') }, { code: 'unreadable' })
    await createKeyFile(path.join(other, 'of-another-log.pem'), password)
    await fails({ keysFolder: other }, { code: 'foreign_key' })
    t.equal(await preparedRollover(pool), undefined, 'nothing is left of it')
    t.same((await readdir(other)).length, 1)

    const prepared = await prepareRollover(pool, { keysFolder, password })
    await fails({ keysFolder: other }, { code: 'unreadable', message: /rekor-v1\.1\.key\.pem/ })
    t.match(await cancelRollover(pool), { keyFile: prepared.keyFile })
    t.equal(await cancelRollover(pool), undefined)
    const again = await prepareRollover(pool, { keysFolder, password })
    t.equal(again.publicKeyPem, prepared.publicKeyPem, 'its file is taken again')
  },
)

t.test('modes are switched without a restart, on every replica', async (t) => {
  const { pool, replicas } = await openReplicas(t)
  const [one, two] = replicas
  const location = (await post(one, proposalFor('kept'))).headers.get('location')
  await changeMode(pool, 'rekor-v1', 'maintenance', 'The database moves; back at noon.')
  for (const replica of replicas) {
    const refused = await post(replica, proposalFor('not now'))
    t.equal(refused.status, 503)
    t.ok(Number(refused.headers.get('retry-after')) > 0)
    t.equal(JSON.parse(refused.text).message, 'The database moves; back at noon.')
    t.equal((await fetch(`${replica.url}${location}`)).status, 200, 'reading goes on')
  }
  await changeMode(pool, 'rekor-v1', 'read-only', undefined)
  const refused = await post(two, proposalFor('never'))
  t.equal(refused.status, 501)
  t.match(refused.text, /^\{"code":501,"message":"Create Entry API not enabled in this Rekor instance/)
  await changeMode(pool, 'rekor-v1', 'open', undefined)
  t.equal((await post(two, proposalFor('again'))).status, 201)
  await t.rejects(changeMode(pool, 'no-log', 'open', undefined), { code: 'not_found' })
})

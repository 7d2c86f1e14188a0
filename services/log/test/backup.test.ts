/** Backups of running logs, what is restored from them, and what is refused because it would be a fork. */
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { rememberPublicKey, writeBackup } from '@sigstack/log-engine'
import { leafHash } from '@sigstack/merkle'
import type { Pool } from '@sigstack/postgres'
import {
  auditRekor,
  backUpLog,
  type CheckpointSource,
  commitRollover,
  readManifest,
  restoreBackup,
  signedHeads,
  storedHeads,
  verifyBackup,
} from '@sigstack/rekor-log'
import t, { type Test } from 'tap'
import { emptyDatabase, indexedUpTo, type LogUnderTest, startRekor } from './running-log.ts'
import { openCt, type Parsed, proposalFor } from './support.ts'

function newFolder(t: Test, name: string): string {
  const folder = path.join(t.testdirName, name)
  mkdirSync(folder)
  return folder
}

const now = new Date('2026-11-25T12:00:00Z')
const silent = () => {}

async function startTwoShards(t: Test): Promise<LogUnderTest & { readonly answers: readonly string[] }> {
  const log = await startRekor(t, { ...(await emptyDatabase(t)), keysFolder: t.testdir({}) })
  const answers: string[] = []
  for (let i = 0; i < 5; i++) answers.push(await log.append(`old ${i}`))
  await commitRollover(log.pool, { key: 'same' })
  for (let i = 0; i < 5; i++) answers.push(await log.append(`new ${i}`))
  return { ...log, answers }
}

const heads = async (log: LogUnderTest): Promise<CheckpointSource> => ({
  where: 'the log',
  text: await log.read('/api/v1/log'),
})

async function backUp(log: LogUnderTest, file: string) {
  return backUpLog({ pool: log.pool, log: 'rekor-v1', file, checkpoints: await heads(log), now })
}

const restore = async (
  pool: Pool,
  file: string,
  known: Parameters<typeof restoreBackup>[0]['knownHeads'] = [],
) => restoreBackup({ pool, file, knownHeads: known, onProgress: silent })

t.test('backed up under load, restored, and the same log for everybody who knew it', async (t) => {
  const log = await startTwoShards(t)
  const file = path.join(t.testdirName, 'log.backup')
  const writing = { done: false }
  const writers = Array.from({ length: 4 }, async (_, writer) => {
    for (let i = 0; !writing.done; i++) await log.append(`writer ${writer} meanwhile ${i}`)
  })
  const backedUp = await backUp(log, file)
  writing.done = true
  await Promise.all(writers)
  await log.append('after the backup')
  const { entries, manifest, sha256, fileBytes } = backedUp
  t.ok(entries >= 12n)
  t.equal(fileBytes, statSync(file).size)
  t.equal(statSync(file).mode & 0o777, 0o600)
  // Heads are kept there too, by the log that goes on.
  const beside = readdirSync(path.dirname(file)).filter((name) => !name.includes('.checkpoint'))
  t.same(beside, ['key.pem', 'log.backup'], 'nothing half beside it')
  t.match(manifest, {
    log: 'rekor-v1',
    takenAt: now.toISOString(),
    shards: [{ size: 6n, isFrozen: true }, { isFrozen: false }],
  })
  t.same(await readManifest(file), manifest)
  t.same(await verifyBackup(file, silent), { manifest, sha256 })
  await log.stop()

  const fresh = await emptyDatabase(t)
  t.same(await restore(fresh.pool, file), { manifest, sha256 })
  const answersFile = path.join(t.testdirName, 'answers')
  writeFileSync(answersFile, log.answers.join('\n'))
  const audit = await auditRekor({
    pool: fresh.pool,
    search: 'all',
    answersFile,
    checkpoints: manifest.shards.map(({ checkpoint }) => ({ where: 'the backup', text: checkpoint })),
  })
  t.same(audit.findings, [], 'every answer, its promise, proof and checkpoint hold')
  t.match(audit, { entries, answers: 10, checkpoints: 2, indexed: 0n })

  const continued = { ...fresh, keysFolder: log.keysFolder }
  await t.rejects(startRekor(t, continued), { code: 'inconsistent' }, 'more was signed than it holds')
  for (const name of readdirSync(log.keysFolder).filter((each) => each.endsWith('.checkpoint')))
    rmSync(path.join(log.keysFolder, name))
  const again = await startRekor(t, continued)
  for (const answer of log.answers) {
    const [[id, before]] = Object.entries(JSON.parse(answer)) as [[string, Parsed]]
    const after = JSON.parse(await again.read(`/api/v1/log/entries/${id}`))[id]
    for (const member of ['body', 'integratedTime', 'logID', 'logIndex'])
      t.equal(after[member], before[member])
  }
  await indexedUpTo(fresh.pool, Number(entries))
  const found = await fetch(`${again.url}/api/v1/index/retrieve`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ hash: proposalFor('old 3').spec.data.hash.value }),
  })
  t.same(await found.json(), [Object.keys(JSON.parse(log.answers[3] ?? ''))[0]], 'search is built again')
})

t.test('an upload of what was restored is a duplicate', async (t) => {
  const log = await startTwoShards(t)
  const file = path.join(t.testdirName, 'log.backup')
  const proposal = JSON.stringify(proposalFor('once'))
  const post = ({ url }: LogUnderTest) =>
    fetch(`${url}/api/v1/log/entries`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: proposal,
    })
  const first = await post(log)
  t.equal(first.status, 201)
  await backUp(log, file)
  await log.stop()
  const fresh = await emptyDatabase(t)
  await restore(fresh.pool, file)
  const second = await post(await startRekor(t, { ...fresh, keysFolder: log.keysFolder }))
  t.equal(second.status, 409)
  t.equal(second.headers.get('location'), first.headers.get('location'))
})

t.test('a backup that is not the newest state anybody knows is refused, and leaves nothing', async (t) => {
  const log = await startTwoShards(t)
  const file = path.join(t.testdirName, 'log.backup')
  const { manifest } = await backUp(log, file)
  const fresh = await emptyDatabase(t)
  const refused = async (known: Parameters<typeof restore>[2], message: RegExp) => {
    await t.rejects(restore(fresh.pool, file, known), { code: 'older_state', message })
  }
  const active = manifest.shards[1]?.origin ?? ''

  t.same(
    (await signedHeads(manifest, [await heads(log)])).map(({ origin, size, where }) => ({
      origin,
      size,
      where,
    })),
    manifest.shards.map(({ origin, size }) => ({ origin, size, where: 'the log' })),
  )
  t.equal((await storedHeads(manifest, log.pool, 'the old database')).length, 2)
  await log.append('later')
  const message = new RegExp(
    `^the backup holds 6 entries of ${active}, and (the log|a file|the old database) shows 7: `,
  )
  await refused(await signedHeads(manifest, [await heads(log)]), message)
  await refused(
    await signedHeads(manifest, [{ where: 'a file', text: await log.read('/checkpoint') }]),
    message,
  )
  await refused(await storedHeads(manifest, log.pool, 'the old database'), message)

  await commitRollover(log.pool, { key: 'same' })
  await log.append('in a third shard')
  await t.rejects(storedHeads(manifest, log.pool, 'the old database'), {
    code: 'older_state',
    message: /^the old database has a later shard, rekor\.example\.org - \d+: /,
  })
  await t.rejects(signedHeads(manifest, [await heads(log)]), {
    code: 'older_state',
    message: /^the log shows a shard that the backup has not, /,
  })
  t.same((await fresh.pool.query(`select to_regclass('log') as log`)).rows, [{ log: null }])

  const later = path.join(t.testdirName, 'later.backup')
  const newest = await backUp(log, later)
  const known = [
    ...(await signedHeads(newest.manifest, [await heads(log)])),
    ...(await storedHeads(newest.manifest, log.pool, 'the old database')),
    // An older one of the same history is no reason.
    ...manifest.shards.map((shard) => ({ ...shard, where: 'a file' })),
  ]
  t.equal(known.length, 8)
  await restore(fresh.pool, later, known)
  await t.rejects(restore(fresh.pool, later), { code: 'not_empty' })
})

t.test('a log that is rolled over meanwhile is backed up as its checkpoints show it', async (t) => {
  const log = await startTwoShards(t)
  const file = path.join(t.testdirName, 'log.backup')
  const before = await heads(log)
  await log.append('last of its shard')
  await commitRollover(log.pool, { key: 'same' })
  await log.append('in a third shard')
  const back = (checkpoints: CheckpointSource) =>
    backUpLog({ pool: log.pool, log: 'rekor-v1', file, checkpoints, now })
  const { manifest, later } = await back(before)
  t.match(manifest.shards, [
    { size: 6n, isFrozen: true },
    { size: 6n, isFrozen: false },
  ])
  t.equal(manifest.shards.length, 2)
  t.equal(later, 3n, 'one more in the second shard, and two in the third')

  // The second shard's checkpoint of then beside that of the shard after it.
  const mixed = JSON.parse(await log.read('/api/v1/log'))
  mixed.inactiveShards[1].signedTreeHead = JSON.parse(before.text).signedTreeHead
  await t.rejects(back({ where: 'a file', text: JSON.stringify(mixed) }), {
    code: 'bad_checkpoint',
    message: /^the checkpoint of .* from a file is older than its last entry$/,
  })
})

t.test('checkpoints that prove nothing are refused', async (t) => {
  const log = await startTwoShards(t)
  const stranger = await startRekor(t, { ...(await emptyDatabase(t)), keysFolder: newFolder(t, 'stranger') })
  const file = path.join(t.testdirName, 'log.backup')
  const { manifest } = await backUp(log, file)
  const before = readFileSync(file)
  const whole = await log.read('/api/v1/log')
  const back = (text: string) =>
    backUpLog({ pool: log.pool, log: 'rekor-v1', file, checkpoints: { where: 'a file', text }, now })

  await t.rejects(back(await log.read('/checkpoint')), {
    code: 'bad_checkpoint',
    message: /^a file holds no checkpoint of /,
  })
  await t.rejects(back(await stranger.read('/api/v1/log')), { code: 'bad_checkpoint' })
  await t.rejects(back('{"signedTreeHead": 5}'), {
    code: 'bad_checkpoint',
    message: /^a file holds no checkpoint: /,
  })
  await t.rejects(back('{'), { code: 'bad_checkpoint' })
  await t.rejects(back(whole.replace(/\\n6\\n/, '\\n5\\n')), {
    code: 'bad_checkpoint',
    message: /does not verify/,
  })
  await t.rejects(backUpLog({ pool: log.pool, log: 'none', file, checkpoints: await heads(log), now }), {
    code: 'not_found',
  })
  const kept = await heads(log)
  await log.pool.query('update log set tree_size = tree_size - 1 where final_size is null')
  await t.rejects(back(kept.text), {
    code: 'older_state',
    message: /6 signed entries of .*, and the database holds 5/,
  })
  t.same(readFileSync(file), before, 'the backup that was there stays')

  await t.rejects(
    signedHeads(manifest, [{ where: 'a file', text: kept.text.replace(/\\n6\\n/g, '\\n7\\n') }]),
    {
      code: 'bad_checkpoint',
      message: /from a file does not verify/,
    },
  )
  const other = {
    where: 'a file',
    text: 'other.example.org\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n— other.example.org AAAAAAAA\n',
  }
  await t.rejects(signedHeads(manifest, [other]), {
    code: 'bad_checkpoint',
    message: /is of another log, other\.example\.org/,
  })
  t.same(
    await storedHeads(manifest, stranger.pool, 'a database'),
    [],
    'a database of another log says nothing',
  )
  t.same(
    await storedHeads(manifest, (await emptyDatabase(t)).pool, 'a database'),
    [],
    'nor does an empty one',
  )
})

t.test('a backup whose manifest claims more than its checkpoint signs is refused', async (t) => {
  const log = await startTwoShards(t)
  const file = path.join(t.testdirName, 'log.backup')
  const older = await log.read('/checkpoint')
  await log.append('later')
  const { manifest } = await backUp(log, file)
  const shards = manifest.shards.map((shard, at) => (at === 1 ? { ...shard, checkpoint: older } : shard))
  await writeFile(file, writeBackup({ pool: log.pool, manifest: { ...manifest, shards } }))
  await t.rejects(verifyBackup(file, silent), {
    code: 'damaged',
    message: /^the checkpoint of .* in the backup signs another tree$/,
  })
  const swapped = manifest.shards.map((shard) => ({ ...shard, checkpoint: older }))
  await writeFile(file, writeBackup({ pool: log.pool, manifest: { ...manifest, shards: swapped } }))
  await t.rejects(verifyBackup(file, silent), {
    code: 'bad_checkpoint',
    message: /from the backup does not verify/,
  })
})

t.test('a CT log is backed up and restored as well', async (t) => {
  const { pool } = await emptyDatabase(t)
  const { log, signer } = await openCt(t, {
    pool,
    roots: { list: () => [], refresh: async () => {} } as never,
  })
  await rememberPublicKey(pool, 'ct', signer.publicKey.spki)
  for (const text of ['a', 'b', 'c']) {
    const leaf = Buffer.from(text)
    await log.append({ identity: leafHash(Buffer.from(`of ${text}`)), encode: () => ({ leaf, extra: leaf }) })
  }
  const file = path.join(t.testdir({}), 'ct.backup')
  const checkpoints = { where: 'the log', text: (await log.checkpoint()).note }
  await backUpLog({ pool, log: 'ct', file, checkpoints, now })
  const fresh = await emptyDatabase(t)
  const { manifest } = await restore(
    fresh.pool,
    file,
    await signedHeads(await readManifest(file), [checkpoints]),
  )
  t.match(manifest.shards, [{ name: 'ct', origin: 'ct.example.org', size: 3n }])
})

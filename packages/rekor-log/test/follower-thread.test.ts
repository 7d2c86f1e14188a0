import { readdirSync, readFileSync } from 'node:fs'
import { getPriority } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { createSigner, generateSigningKey, keyFingerprint } from '@sigstack/crypto'
import { openLog } from '@sigstack/log-engine'
import { leafHash } from '@sigstack/merkle'
import { testDatabase } from '@sigstack/postgres/testing'
import t from 'tap'
import { openSearch } from '../src/search/index.ts'
import { followInThread } from '../src/search/thread.ts'
import type { Turns } from '../src/search/turn.ts'
import { openShard } from '../src/shards/shard.ts'
import { wholeLog } from '../src/shards/whole-log.ts'

type Test = { teardown(action: () => unknown): unknown }

/** A Rekor log with entries that say nothing, and a follower that is told when to look. */
async function openFollowed(t: Test, turnsOf: (databaseUrl: string, logId: Uint8Array) => Turns) {
  const { pool, connectionString } = await testDatabase(t)
  const signer = createSigner(generateSigningKey())
  const log = await openLog({
    pool,
    name: 'rekor-v1',
    logId: keyFingerprint(signer.publicKey),
    newOrigin: () => 'rekor.example.org - 1',
    signCheckpoint: async () => '',
  })
  const append = async (count: number) => {
    const { size } = await log.treeHead()
    const leaves = Array.from({ length: count }, (_, i) => Buffer.from(`{"n":${size + BigInt(i)}}`))
    await Promise.all(
      leaves.map((leaf) => log.append({ identity: leafHash(leaf), encode: () => ({ leaf }) })),
    )
  }
  const errors: unknown[] = []
  const shards = { list: () => [openShard(log, signer, 0n)], onAppended: () => {} }
  const search = await openSearch({
    pool,
    readers: pool,
    log: wholeLog(shards),
    turns: turnsOf(connectionString, log.logId),
    pollMs: 20,
    onError: (error) => errors.push(error),
  })
  t.teardown(async () => {
    await search.stop()
    await log.close()
  })
  return { pool, log, append, search, errors }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5))
}

t.test('a thread takes turn after turn to the end of the log, and ends when it has rested', async (t) => {
  const troubles: unknown[] = []
  let thread: Turns | undefined
  const { append, pool, log } = await openFollowed(t, (databaseUrl, logId) => {
    thread = followInThread({ databaseUrl, logId, restMs: 3_000, onError: (error) => troubles.push(error) })
    // The follower itself finds nothing to do.
    return { take: async () => ({ outcome: 'at the end', position: 0n }), stop: async () => thread?.stop() }
  })
  await append(600)
  t.strictSame(await thread?.take(), { outcome: 'full', position: 500n })
  t.strictSame(await thread?.take(), { outcome: 'moved', position: 600n })
  t.strictSame(await thread?.take(), { outcome: 'at the end', position: 600n })
  t.equal(troubles.length, 600, 'entries that cannot be read are told, and do not stop it')
  const isNicer = process.platform === 'linux' && getPriority() < 10
  if (isNicer) t.equal(niceTasks(), 1, 'its thread comes after those that are waited for')

  const other = await pool.connect()
  await other.query('begin')
  await other.query('select from search_position where log_id = $1 for update', [Buffer.from(log.logId)])
  t.strictSame(await thread?.take(), { outcome: 'not ours', position: 600n })
  await other.query('rollback')
  other.release()
  if (isNicer) await until(() => niceTasks() === 0)
  t.strictSame(await thread?.take(), { outcome: 'at the end', position: 600n }, 'started again when asked')
})

function niceTasks(): number {
  const folder = '/proc/self/task'
  const nice = readdirSync(folder).map((task) => {
    const stat = statOf(`${folder}/${task}/stat`)
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16])
  })
  return nice.filter((value) => value > getPriority()).length
}

/** A thread may end between being listed and being looked at. */
function statOf(file: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return ''
  }
}

t.test('a thread that breaks off is told, shows as backlog, and is replaced', async (t) => {
  // The first one dies at its first turn; where it did, the next one is the real one.
  const folder = t.testdir({
    'script.mjs': `
      import { existsSync, writeFileSync } from 'node:fs'
      const died = new URL('./died', import.meta.url)
      if (existsSync(died)) await import(${JSON.stringify(new URL('../src/search/worker.ts', import.meta.url).href)})
      else {
        writeFileSync(died, '')
        throw new Error('out of luck')
      }`,
  })
  const script = pathToFileURL(path.join(folder, 'script.mjs'))
  const { append, search, errors } = await openFollowed(t, (databaseUrl, logId) =>
    followInThread({ databaseUrl, logId, script, onError: () => {} }),
  )
  await append(3)
  await until(() => errors.length > 0)
  t.match(errors[0], { message: /broke off/, cause: { message: 'out of luck' } })
  t.equal(search.backlog(), 3n)
  await until(() => search.backlog() === 0n)
  t.equal(await search.indexed(), 3n)
})

t.test('a thread that hangs is given up', async (t) => {
  const folder = t.testdir({ 'script.mjs': 'setInterval(() => {}, 1_000)' })
  const script = pathToFileURL(path.join(folder, 'script.mjs'))
  const { append, search, errors } = await openFollowed(t, (databaseUrl, logId) =>
    followInThread({ databaseUrl, logId, script, timeoutMs: 50, onError: () => {} }),
  )
  t.equal(search.backlog(), 0n)
  await append(1)
  await until(() => errors.length > 1)
  t.match(errors[1], { message: /hangs/ })
  t.equal(search.backlog(), 1n)
})

t.test('a database that is away is told and waited for', async (t) => {
  const databaseUrl = 'postgresql://nobody@127.0.0.1:1/nothing'
  const { append, search, errors } = await openFollowed(t, (_, logId) =>
    followInThread({ databaseUrl, logId, onError: () => {} }),
  )
  await append(1)
  await until(() => errors.length > 1)
  t.equal(search.backlog(), 1n)
})

t.test('a thread that is asked for a second turn refuses it, and answers the first', async (t) => {
  const { connectionString } = await testDatabase(t)
  const databaseUrl = connectionString
  const thread = followInThread({ databaseUrl, logId: new Uint8Array(32), onError: () => {} })
  t.teardown(() => thread.stop())
  const first = thread.take().catch((error: Error) => error.message)
  await t.rejects(thread.take(), { message: 'turns are taken one at a time' })
  t.match(await first, /search_position/, 'which finds no index to follow here')
})

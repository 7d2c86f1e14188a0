/** The fault runs are worth what their checker finds. */
import { readdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { rekorV1KeyHint, signCheckpoint } from '@sigstack/checkpoint'
import { createSigner, generateSigningKey, parsePublicKeyPem, sha256 } from '@sigstack/crypto'
import type { RunningLog } from '@sigstack/log'
import { asHash } from '@sigstack/merkle'
import { type TestDatabase, testDatabase } from '@sigstack/postgres/testing'
import t from 'tap'
import { startLogHere } from '../faults/parts/log-in-process.ts'
import { startWriters } from '../faults/writers.ts'
import { type Checker, createChecker, type LogEntry } from '../support/checker/checker.ts'
import { createRandom } from '../support/random.ts'

t.setTimeout(600_000)

t.test('a fork and a foreign signature are found', async (t) => {
  const signer = createSigner(generateSigningKey())
  const checker = createChecker()
  checker.trust(signer.publicKey)
  const note = (text: string, by = signer) =>
    signCheckpoint({
      origin: 'rekor.example.org - 42',
      name: 'rekor.example.org',
      treeHead: { size: 5n, rootHash: asHash(sha256(Buffer.from(text))) },
      signer: by,
      keyHint: rekorV1KeyHint(by.publicKey),
    })
  await checker.holdCheckpoint(await note('one history'))
  await t.resolves(checker.holdCheckpoint(await note('one history')), 'the same head again')
  await t.rejects(checker.holdCheckpoint(await note('another history')), /two roots of size 5/)
  const stranger = createSigner(generateSigningKey())
  await t.rejects(checker.holdCheckpoint(await note('one history', stranger)), /signed by no key of this log/)
  t.match(checker.counts(), { answered: 0, treeHeads: 1, trees: 1 })
})

t.test('a log that has lost or changed what it answered is found', async (t) => {
  const keys = t.testdir({})
  let running: RunningLog | undefined
  const open = async ({ connectionString }: TestDatabase) => {
    // Whoever stops leaves its newest head.
    await running?.stop()
    // What it signed before it shall not remember: it would refuse to start, and the checker is to find what is wrong.
    for (const name of await readdir(keys)) if (name.endsWith('.checkpoint')) await rm(path.join(keys, name))
    running = await startLogHere(keys, connectionString, {})
    return running
  }
  const database = await testDatabase(t)
  const log = await open(database)
  const checker = createChecker()
  checker.trust(parsePublicKeyPem(log.publicKeyPem))
  const answers = await write(log.url, checker)
  await t.resolves(checker.confront(log.url))

  const [[uuid, entry]] = answers as [[string, LogEntry]]
  const { logIndex } = entry
  await t.rejects(checker.hold(uuid, { ...entry, integratedTime: entry.integratedTime + 1 }), /the SET/)
  const [, another] = answers.map(([uuid]) => uuid)
  await t.rejects(checker.hold(String(another), entry), /is not the hash of its body/)
  t.equal(checker.counts().answered, answers.length, 'none of these is held')

  const empty = await open(await testDatabase(t))
  await t.rejects(checker.confront(empty.url), /is lost/, 'an empty database under the same key')

  await database.pool.query('update entry set sequenced_at = sequenced_at + 5000 where leaf_index = $1', [
    logIndex,
  ])
  const restarted = await open(database)
  await t.rejects(checker.confront(restarted.url), /has changed/)
  // Before its folder is removed.
  await restarted.stop()
})

/** A few entries, as they were answered. */
async function write(url: string, checker: Checker): Promise<readonly [string, LogEntry][]> {
  const answers: [string, LogEntry][] = []
  const enough = Promise.withResolvers<void>()
  const writers = startWriters({
    urls: () => [url],
    writers: 2,
    entriesPerSecond: 1_000,
    random: createRandom(1),
    checker: {
      hold: async (uuid, entry) => {
        await checker.hold(uuid, entry)
        answers.push([uuid, entry])
        if (answers.length >= 10) enough.resolve()
      },
    },
  })
  await enough.promise
  await writers.stop()
  return answers
}

/** An audit of a log of two shards, whole and damaged in each way that an audit is for. */
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { noteKeyHint, signCheckpoint } from '@sigstack/checkpoint'
import { createSigner, generateSigningKey, keyFingerprint } from '@sigstack/crypto'
import { openLog, rememberPublicKey } from '@sigstack/log-engine'
import { leafHash } from '@sigstack/merkle'
import type { Pool } from '@sigstack/postgres'
import { testDatabase } from '@sigstack/postgres/testing'
import { auditPlainLog, auditRekor, commitRollover, type RekorAuditOptions } from '@sigstack/rekor-log'
import t, { type Test } from 'tap'
import { emptyDatabase, indexedUpTo, startRekor } from './running-log.ts'
import type { Parsed } from './support.ts'

const perShard = 20
/** Each shard begins with an entry of the log's own. */
const length = 2 * (perShard + 1)

type Kept = {
  readonly pool: Pool
  readonly answers: readonly string[]
  readonly checkpoints: readonly string[]
}

/** Two shards, indexed to their end, the answers to every append, and a checkpoint of every size; nothing runs any more. */
async function keptLog(t: Test): Promise<Kept> {
  const database = await emptyDatabase(t)
  const log = await startRekor(t, { ...database, keysFolder: t.testdir({}) })
  const { pool } = database
  const answers: string[] = []
  const checkpoints: string[] = []
  for (const shard of [0, 1]) {
    for (let i = 0; i < perShard; i++) {
      answers.push(await log.append(`shard ${shard} entry ${i}`))
      checkpoints.push(await log.read('/checkpoint'))
    }
    if (shard === 0) await commitRollover(pool, { key: 'same' })
  }
  await indexedUpTo(pool, length)
  await log.stop()
  return { pool, answers, checkpoints }
}

const sourceOf = (text: string) => ({ where: 'what was kept', text })

const sentences = async (options: RekorAuditOptions) => {
  const { findings, findingCount, ...audited } = await auditRekor(options)
  return { ...audited, findingCount, findings: findings.map(({ kind, message }) => `${kind}: ${message}`) }
}

/** What the log answered, with something put in another's place. */
function changed(answer: string, change: (entry: Parsed) => void): string {
  const answered: Parsed = JSON.parse(answer)
  change(Object.values(answered)[0])
  return JSON.stringify(answered)
}

/** With one bit of its `at`th byte flipped. */
function flipped(base64: string, at: number): string {
  const bytes = Buffer.from(base64, 'base64')
  bytes[at] = (bytes[at] ?? 0) ^ 1
  return bytes.toString('base64')
}

t.test('an audit of a log over two shards', async (t) => {
  const { pool, answers, checkpoints } = await keptLog(t)
  const answersFile = path.join(t.testdir({}), 'answers')
  type Sources = { readonly kept?: readonly string[]; readonly checkpoints?: readonly string[] }
  const audit = async (options: Partial<Omit<RekorAuditOptions, 'checkpoints'>> & Sources = {}) => {
    const { kept, checkpoints: notes, ...rest } = options
    if (kept !== undefined) await writeFile(answersFile, `${kept.join('\n')}\n`)
    return sentences({
      pool,
      search: 'all',
      ...(kept !== undefined && { answersFile }),
      ...(notes !== undefined && { checkpoints: notes.map(sourceOf) }),
      ...rest,
    })
  }
  /** Damages the database, audits it, and mends it. */
  const audited = async (damage: string, options: Parameters<typeof audit>[0] = {}) => {
    await pool.query(damage)
    const { findings } = await audit(options)
    await pool.query('truncate entry, tile, search_key')
    for (const table of ['entry', 'tile', 'search_key'])
      await pool.query(`insert into ${table} select * from whole_${table}`)
    await pool.query(
      'update log set root_hash = whole.root_hash from whole_log as whole where whole.log_no = log.log_no',
    )
    return findings
  }
  for (const table of ['entry', 'tile', 'search_key', 'log'])
    await pool.query(`create table whole_${table} as table ${table}`)

  await t.test('whole, with everything that was given away', async (t) => {
    const progress: bigint[] = []
    const result = await audit({
      kept: answers,
      checkpoints,
      onProgress: (done, total) => progress.push(done, total),
    })
    t.same(result.findings, [])
    t.match(result, {
      shards: [
        { size: BigInt(perShard + 1), isFrozen: true },
        { size: BigInt(perShard + 1), isFrozen: false },
      ],
      entries: BigInt(length),
      indexed: BigInt(length),
      searched: BigInt(length),
      answers: 2 * perShard,
      checkpoints: 2 * perShard,
      findingCount: 0,
    })
    const middle = BigInt(perShard + 1)
    t.same(progress, [middle, BigInt(length), BigInt(length), BigInt(length)], 'over all shards')
    t.equal((await audit({ search: 'none' })).searched, 0n)
    t.equal((await audit({ search: 'sample' })).searched, BigInt(length), 'a small log is a sample of itself')
  })

  await t.test('a flipped byte in an entry of the frozen shard', async (t) => {
    const findings = await audited(
      'update entry set leaf = set_byte(leaf, 9, get_byte(leaf, 9) # 1) where log_no = 1 and leaf_index = 7',
      { search: 'none' },
    )
    t.match(findings, [
      /^entry: rekor\.example\.org - \d+: the bytes of entry 7 \(log index 7\) are not those that were logged$/,
    ])
  })

  await t.test('a head of the active shard that is not that of its entries', async (t) => {
    const findings = await audited(
      'update log set root_hash = set_byte(root_hash, 0, get_byte(root_hash, 0) # 1) where log_no = 2',
    )
    t.match(findings, [
      /^head: rekor\.example\.org - \d+: the root of the tree head at size 21 is not that of the entries$/,
    ])
    t.match(
      await audited('update entry set sequenced_at = 0 where log_no = 2 and leaf_index = 4', {
        search: 'none',
      }),
      [/: entry 4 \(log index 25\) is older than the one before it$/],
      'by both of its numbers',
    )
  })

  await t.test(
    'rows of the search index, each named by its entry in the numbering over all shards',
    async (t) => {
      const missing =
        'delete from search_key where ctid = (select ctid from search_key where leaf_index = 30 limit 1)'
      t.same(await audited(missing), ['search: entry 30 is not found by 1 of its search keys'])
      t.same(await audited('insert into search_key values (5, 33)'), [
        'search: entry 33 is found by 1 search keys that are not its own',
      ])
      t.same(await audited('insert into search_key values (5, 999)'), [
        'search: 1 search keys are of entries that are not indexed yet, from entry 999 on',
      ])
      const swapped = `update search_key set leaf_index = case leaf_index when 10 then 11 else 10 end
      where leaf_index in (10, 11) and key in (select min(key) from search_key
        where key in (select key from search_key group by key having count(*) = 1) group by leaf_index)`
      t.same(
        await audited(swapped),
        [10, 11].flatMap((index) => [
          `search: entry ${index} is not found by 1 of its search keys`,
          `search: entry ${index} is found by 1 search keys that are not its own`,
        ]),
        'although number and keys of the rows are the same',
      )
      t.same(await audited('delete from search_key where leaf_index = 30', { search: 'none' }), [])
    },
  )

  await t.test('what was given away, each answer named by its place and its entry', async (t) => {
    const [first = '', second = '', third = '', fourth = ''] = answers
    const ids = answers.map((answer) => Object.keys(JSON.parse(answer))[0])
    const { findings } = await audit({
      kept: [
        changed(first, ({ verification }) => {
          verification.signedEntryTimestamp = flipped(verification.signedEntryTimestamp, 20)
        }),
        changed(second, (entry) => {
          entry.body = flipped(entry.body, 40)
        }),
        changed(third, ({ verification: { inclusionProof } }) => {
          const [hash = ''] = inclusionProof.hashes as string[]
          inclusionProof.hashes[0] = hash.slice(0, 62) + (hash.endsWith('00') ? '01' : '00')
        }),
        changed(fourth, (entry) => {
          entry.integratedTime++
        }),
      ],
    })
    t.equal(findings.length, 4)
    t.equal(findings[0], `evidence: answer 1, entry ${ids[0]}, has a signed timestamp that does not verify`)
    t.equal(findings[1], `evidence: answer 2, entry ${ids[1]}, has a body that does not hash to its ID`)
    t.match(findings[2], `evidence: answer 3, entry ${ids[2]}, does not verify: `)
    t.equal(findings[3], `evidence: answer 4, entry ${ids[3]}, has a signed timestamp that does not verify`)
  })

  await t.test('a checkpoint that was changed, and one that is of another log', async (t) => {
    const note = checkpoints[3] ?? ''
    const { findings } = await audit({
      checkpoints: [note.replace(/\n5\n/, '\n6\n'), note.replace(/ - \d+/, ' - 7')],
    })
    t.equal(findings.length, 2)
    t.match(findings[0], /^evidence: a checkpoint that was kept does not verify: /)
    t.equal(findings[1], 'evidence: a checkpoint that was kept is of a shard that this log has not')
  })

  await t.test('entries that were answered, and are others, at another time, or gone', async (t) => {
    const kept = [answers[4] ?? '']
    // Entry 0 is the log's own.
    const exchanged = `update entry as a set leaf = b.leaf, leaf_hash = b.leaf_hash, identity_key = b.identity_key
      from entry as b where a.log_no = 1 and b.log_no = 1 and a.leaf_index = 5 and b.leaf_index = 6`
    const origin = (await audit()).shards[0]?.origin
    const where = `evidence: the entry that was answered as number 5 of ${origin}`
    t.ok((await audited(exchanged, { kept })).includes(`${where} is another one in the log`))
    t.ok(
      (await audited('update entry set sequenced_at = sequenced_at + 60000', { kept })).includes(
        `${where} has another time in the log`,
      ),
    )
    t.ok(
      (await audited('delete from entry where log_no = 1 and leaf_index = 5', { kept })).includes(
        `${where} is not in the log`,
      ),
    )
  })

  await t.test('a log that was put back to an older state', async (t) => {
    await pool.query('update log set tree_size = 0, root_hash = sha256($1) where log_no = 2', [
      Buffer.alloc(0),
    ])
    const { findings } = await audit({ checkpoints: [checkpoints.at(-1) ?? ''], search: 'none' })
    t.match(findings[0], /^surplus: .*: beyond the tree head, and in no tree: 21 entries/)
    t.match(
      findings.at(-1),
      /^evidence: a checkpoint of .* with 21 entries was given away, and the log has 0: it was put back to an older state$/,
    )
  })

  await t.test('what is no checkpoint, or one of another log, is no verdict', async (t) => {
    const note = checkpoints.at(-1) ?? ''
    const foreign = note.replace('rekor.example.org - ', 'other.example.org - ')
    for (const text of ['hello', '<html></html>', '{}', '{"signedTreeHead":"x"}', foreign])
      await t.rejects(audit({ checkpoints: [text] }), { code: 'bad_checkpoint' }, text.slice(0, 20))
    const info = JSON.stringify({ signedTreeHead: checkpoints[0], inactiveShards: [] })
    t.equal(
      (await audit({ checkpoints: [info], search: 'none' })).checkpoints,
      1,
      'an answer of the log is taken',
    )
  })

  await t.test('what is no file of answers is refused', async (t) => {
    await t.rejects(audit({ kept: ['{'] }), /answer 1 is not a JSON object in one line/)
    await t.rejects(audit({ kept: ['{"a":{}}'] }), /answer 1 is not one of a Rekor log/)
  })
})

t.test('a log without search and IDs is audited too, with checkpoints that were kept', async (t) => {
  const { pool } = await testDatabase(t)
  const signer = createSigner(generateSigningKey())
  const keyHint = noteKeyHint('ct.example.org', signer.publicKey)
  const log = await openLog({
    pool,
    name: 'ct',
    logId: keyFingerprint(signer.publicKey),
    newOrigin: () => 'ct.example.org',
    signCheckpoint: (treeHead, origin) => signCheckpoint({ origin, name: origin, treeHead, signer, keyHint }),
  })
  t.teardown(() => log.close())
  await rememberPublicKey(pool, 'ct', signer.publicKey.spki)
  const append = (text: string) => {
    const leaf = Buffer.from(text)
    return log.append({ identity: leafHash(leaf), encode: () => ({ leaf }) })
  }
  const notes = [(await append('one')).checkpoint.note, (await append('two')).checkpoint.note]
  const sound = await auditPlainLog({ pool, log: 'ct', checkpoints: notes.map(sourceOf) })
  t.match(sound, {
    entries: 2n,
    checkpoints: 2,
    findings: [],
    shards: [{ origin: 'ct.example.org', size: 2n }],
  })

  await pool.query('update entry set leaf = set_byte(leaf, 1, 1) where leaf_index = 1')
  const { findings } = await auditPlainLog({ pool, log: 'ct', checkpoints: notes.map(sourceOf) })
  t.same(
    findings.map(({ message }) => message),
    ['ct.example.org: the bytes of entry 1 are not those that were logged'],
  )
  const forged = (notes[1] as string).replace(/\n2\n/, '\n3\n')
  t.match((await auditPlainLog({ pool, log: 'ct', checkpoints: [sourceOf(forged)] })).findings[0], {
    kind: 'evidence',
    message: /does not verify/,
  })
  const another = await signCheckpoint({
    origin: 'other.example.org',
    name: 'other.example.org',
    treeHead: { size: 1n, rootHash: leafHash(Buffer.from('one')) },
    signer,
    keyHint,
  })
  for (const text of ['other\n1\nAAAA\n', '<html>', '', another])
    await t.rejects(
      auditPlainLog({ pool, log: 'ct', checkpoints: [sourceOf(text)] }),
      { code: 'bad_checkpoint' },
      'what is no checkpoint of this log says nothing about it',
    )
  await t.rejects(auditPlainLog({ pool, log: 'ct/2027' }), { code: 'not_found' })
})

t.test('a database without a log is refused', async (t) => {
  const { pool } = await testDatabase(t)
  await t.rejects(auditRekor({ pool, search: 'all' }), { code: 'not_found' })
})

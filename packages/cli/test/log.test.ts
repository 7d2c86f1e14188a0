/** The commands that keep a log, against the log of a whole stack. */
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parsePublicKeyPem } from '@sigstack/crypto'
import { testDatabase } from '@sigstack/postgres/testing'
import t from 'tap'
import { createProgress } from '../src/presentation/progress.ts'
import { selfCheck } from '../src/self-check.ts'
import { runCommand } from './support.ts'
import { startTestStack } from './test-stack.ts'

const folder = t.testdir({ file: 'hello' })
const data = join(folder, 'data')

const run = (words: readonly string[], environment: Record<string, string> = {}) =>
  runCommand(words, { SIGSTACK_DATA: data, ...environment })

t.test('keeping the log of a stack', { timeout: 600_000 }, async (t) => {
  const { pool, connectionString } = await testDatabase(t)
  const stack = await startTestStack(t, { SIGSTACK_DATA: data, DATABASE_URL: connectionString })
  const { rekor = '', trust = '' } = stack.endpoints.services
  const log = (...words: readonly string[]) => run(['log', ...words], { DATABASE_URL: connectionString })
  const sign = () => run(['sign-blob', '--bundle', '-', join(folder, 'file')])
  const text = async (url: string) => (await fetch(url)).text()
  const info = async () => JSON.parse(await text(`${rekor}/api/v1/log`))

  await t.test('mode: said, changed with a reason, obeyed by the running log', async (t) => {
    t.same(await log('mode'), { status: 0, out: 'rekor-v1 is open\n', err: '' })
    const changed = await log('mode', 'maintenance', '--reason', 'The database moves.')
    t.same(changed, { status: 0, out: 'rekor-v1 is maintenance: The database moves.\n', err: '' })
    const refused = await sign()
    t.equal(refused.status, 1)
    t.match(refused.err, /The database moves\./)
    t.same(JSON.parse((await log('mode', '--json')).out), {
      log: 'rekor-v1',
      mode: 'maintenance',
      reason: 'The database moves.',
    })
    await log('mode', 'read-only')
    t.match(await selfCheck(stack.endpoints), { by: 'rekor', status: 501, message: /\(501\)/ })
    t.equal((await log('mode', 'open')).out, 'rekor-v1 is open\n')
    t.equal((await sign()).status, 0)
    t.equal((await log('mode', '--log', 'ct')).out, 'ct is open\n', 'of each log its own')
  })

  await t.test(
    'freeze: asked for once more, for good, and of a log that is followed by another one',
    async (t) => {
      const v2 = ['--log', 'rekor-v2']
      t.match(await log('freeze'), { status: 1, err: /rekor-v2 will never take an entry again.*declined/s })
      t.equal((await log('mode', ...v2)).out, 'rekor-v2 is open\n')
      t.match(await log('freeze', '--log', 'rekor-v1', '--yes'), { status: 1, err: /is rolled over/ })
      const { out } = await log('freeze', '--yes', '--json')
      t.match(JSON.parse(out), { origin: '127.0.0.1', size: /^[1-9]/, frozenAt: /^20.*Z$/ })
      t.equal((await log('mode', ...v2)).out, 'rekor-v2 is frozen\n')
      t.match(await log('freeze', '--yes'), { status: 1, err: /rekor-v2 is frozen for good/ })
      t.match(await log('mode', 'open', ...v2), { status: 1, err: /rekor-v2 is frozen for good/ })
      t.equal((await log('mode')).out, 'rekor-v1 is open\n', 'the other log goes on')
    },
  )

  await t.test('mode: what it refuses', async (t) => {
    t.match(await log('mode', 'closed'), {
      status: 1,
      err: /Allowed choices are open, read-only, maintenance/,
    })
    t.match(await log('mode', '--reason', 'x'), { status: 1, err: /a reason belongs to a change/ })
    t.match(await log('mode', 'open', '--reason', 'a\nb'), { status: 1, err: /one line of at most 300/ })
    t.match(await log('mode', '--log', 'no-log'), { status: 1, err: /this database holds no log no-log/ })
    t.match(await log('mode', 'open', '--log', 'no-log'), { status: 1, err: /there is no log no-log/ })
  })

  await t.test('rollover: what it refuses', async (t) => {
    t.match(await log('rollover'), {
      status: 1,
      err: /say one of --prepare, --commit, --cancel and --same-key/,
    })
    t.match(await log('rollover', '--prepare', '--commit'), { status: 1, err: /say one of/ })
    t.match(await log('rollover', '--commit', '--json'), {
      status: 1,
      err: /no key is prepared/,
      out: /"code":"log_refused"/,
    })
    t.match(await log('rollover', '--same-key', '--key', 'hashivault://log'), {
      status: 1,
      err: /^Error: --key goes with --prepare/,
    })
    t.match(await log('rollover', '--prepare', '--key', 'file:/nowhere.pem', '--json'), {
      status: 1,
      err: /^Error: cannot read \/nowhere\.pem/,
      out: /"code":"log_refused"/,
    })
    t.match(await log('rollover', '--cancel'), { status: 1, err: /no key is prepared/ })
    t.match(
      await run(['log', 'rollover', '--prepare'], {
        DATABASE_URL: connectionString,
        LOG_KEY_PASSWORD: 'wrong',
      }),
      {
        status: 1,
        err: /^Error: the password does not open the key in .*\nNothing was changed\./,
      },
    )
    t.match(await log('rollover', '--prepare', '--keys', folder), {
      status: 1,
      err: /holds no key of 127\.0\.0\.1 - \d+\nNothing was changed\./,
    })
    t.equal((await info()).inactiveShards.length, 0)
    t.equal(await text(`${rekor}/api/v1/log/publicKeys`), await text(`${rekor}/api/v1/log/publicKey`))
  })

  await t.test('rollover: a new key in two steps, the second only once it is published', async (t) => {
    const first = await text(`${rekor}/api/v1/log/publicKey`)
    // The trust of this stack lists the new key when it likes, so what counts here is files.
    const root = JSON.parse(await text(`${trust}/trusted_root.json`))
    const unlisted = join(folder, 'unlisted.json')
    writeFileSync(unlisted, JSON.stringify(root))
    const kept = join(folder, 'trust_config.json')
    writeFileSync(kept, await text(`${trust}/trust_config.json`))
    const prepared = await log('rollover', '--prepare')
    t.equal(prepared.status, 0, prepared.err)
    t.match(prepared.err, /The key of the next shard is rekor-v1\.1\.key\.pem in .*keys/)
    const again = JSON.parse((await log('rollover', '--prepare', '--json')).out)
    t.same(again, { keyFile: 'rekor-v1.1.key.pem', publicKey: prepared.out }, 'one key, however often')
    t.match(readFileSync(join(data, 'keys', 'rekor-v1.1.key.pem'), 'utf8'), /BEGIN ENCRYPTED PRIVATE KEY/)
    t.equal(await text(`${rekor}/api/v1/log/publicKeys`), first + prepared.out)
    t.equal(await text(`${rekor}/api/v1/log/publicKey`), first, 'it does not sign yet')

    t.same(await log('rollover', '--cancel', '--json'), {
      status: 0,
      out: '{"cancelled":"rekor-v1.1.key.pem"}\n',
      err: '',
    })
    t.equal(await text(`${rekor}/api/v1/log/publicKeys`), first, 'taken back')
    t.equal((await log('rollover', '--prepare')).out, prepared.out, 'and the same key again')
    const lost = await log('rollover', '--commit', '--keys', folder)
    t.match(lost, { status: 1, err: /cannot read .*rekor-v1\.1\.key\.pem.*\nNothing was changed/ })

    const early = await log('rollover', '--commit', '--trusted-root', unlisted)
    t.equal(early.status, 1)
    t.match(early.err, /the published trust does not list the new key yet\nThe trust service looks/)
    const profile = { SIGSTACK_CONFIG: join(folder, 'config'), SIGSTACK_PROFILE: 'kept' }
    t.equal((await run(['init', '--yes', '--profile', 'kept', kept], profile)).status, 0)
    const byProfile = await run(['log', 'rollover', '--commit'], {
      DATABASE_URL: connectionString,
      ...profile,
    })
    t.match(byProfile, {
      status: 1,
      err: /the profile kept does not list the new key yet\n.*profile refresh/,
    })
    t.equal((await info()).inactiveShards.length, 0)

    const spki = Buffer.from(parsePublicKeyPem(prepared.out).spki)
    const [tlog] = root.tlogs
    const publicKey = { ...tlog.publicKey, rawBytes: spki.toString('base64') }
    const logId = { keyId: createHash('sha256').update(spki).digest('base64') }
    root.tlogs.push({ ...tlog, publicKey, logId })
    const published = join(folder, 'trusted_root.json')
    writeFileSync(published, JSON.stringify(root))
    const { treeSize } = await info()
    const committed = await log('rollover', '--commit', '--trusted-root', published, '--json')
    t.equal(committed.status, 0, committed.err)
    const done = JSON.parse(committed.out)
    t.equal(done.frozen.size, `${treeSize}`)
    t.equal(done.active.firstIndex, `${treeSize}`)
    // The log goes on in the new shard; whether the trust of this stack lists its key yet is a matter of seconds.
    const ahead = await sign()
    if (ahead.status !== 0) t.match(ahead.err, /the fresh signature does not verify, so it was not written/)
    t.equal(await text(`${rekor}/api/v1/log/publicKey`), prepared.out)
    t.equal((await info()).inactiveShards[0].treeSize, treeSize)
    t.match(await log('rollover', '--commit', '--unpublished'), { status: 1, err: /no key is prepared/ })
  })

  await t.test('rollover: the same key in one step, in words', async (t) => {
    const { status, out } = await log('rollover', '--same-key')
    t.equal(status, 0)
    t.match(out, /^Frozen: .* - \d+, with 2 entries\.\nActive: .* - \d+, from log index \d+ on\.\n$/)
    await sign()
    t.equal((await info()).inactiveShards.length, 2)
  })

  const backup = join(folder, 'log.backup')
  const restore = (database: string, ...more: readonly string[]) =>
    run(['log', 'restore', backup, '--database', database, ...more])

  await t.test('backup and restore: the whole log, and what is not in it', async (t) => {
    const { status, out, err } = await log('backup', backup)
    t.equal(status, 0, err)
    t.match(
      out,
      /, frozen, root .*\n {2}key [0-9a-f]{64}, in the first key file\n.*\n {2}key .*, in rekor-v1\.1\.key\.pem\n/,
    )
    t.match(out, /log\.backup: 6 entries, [\d,]+ bytes, checksum [0-9a-f]{64}\n$/)
    t.match(err, /^Not in it: the keys of the log/)
    const json = JSON.parse(
      (await log('backup', backup, '--json', '--checkpoints', `${rekor}/api/v1/log`)).out,
    )
    t.match(json, {
      log: 'rekor-v1',
      entries: '6',
      later: '0',
      shards: { length: 3 },
      notIncluded: { length: 5 },
    })
    const verified = JSON.parse((await run(['log', 'verify-backup', backup, '--json'])).out)
    t.match(verified, { verdict: 'sound', sha256: json.sha256, shards: json.shards })
    t.match((await run(['log', 'verify-backup', backup])).out, `checksum ${json.sha256}\n`)

    const fresh = await testDatabase(t)
    const running = ['--newest-checkpoint', `${rekor}/api/v1/log`] as const
    const restored = await restore(
      fresh.connectionString,
      ...running,
      ...running,
      '--replaces',
      connectionString,
    )
    t.equal(restored.status, 0, restored.err)
    t.equal(restored.err.match(/^Looked for a newer state at /gm)?.length, 2, 'each place once')
    t.match(restored.out, /\nRestored: rekor-v1 as of .*, mode open\.\n$/)
    t.match(restored.err, `Looked for a newer state at ${rekor}/api/v1/log: 2 entries of `)
    t.match(restored.err, 'Looked for a newer state at the database that it replaces: 2 entries of ')
    const audit = await run(['log', 'audit', '--database', fresh.connectionString])
    t.match(audit, { status: 0, out: /The log is sound\.\n$/ })
    t.match(await restore(fresh.connectionString), {
      status: 1,
      err: /^Error: the database holds the log rekor-v1 already/,
    })
  })

  await t.test('backup and restore: the CT log of the same database', async (t) => {
    const ct = join(folder, 'ct.backup')
    t.match(await log('backup', ct, '--log', 'ct'), { status: 0, out: /^127\.0\.0\.1:\d+: 5 entries, root / })
    const fresh = await testDatabase(t)
    t.match(await run(['log', 'restore', ct, '--database', fresh.connectionString]), {
      status: 0,
      out: /Restored: ct as of /,
    })
  })

  await t.test('restore: a data folder with keys and without a database gets one', async (t) => {
    const { endpoints } = stack
    // The CT log of this stack in place of a Rekor log.
    const another = {
      ...endpoints,
      services: { ...endpoints.services, rekor: `${endpoints.services['ct']}/checkpoint#` },
    }
    const moved = t.testdir({ keys: {}, empty: {} })
    const elsewhere = await run([
      'log',
      'restore',
      backup,
      '--data',
      join(moved, 'empty'),
      '--without-evidence',
    ])
    t.match(elsewhere, {
      status: 1,
      err: /^Error: there is no database in .*\nCopy keys\/ of the old data folder/,
    })
    const blind = await run(['log', 'restore', backup, '--data', moved, '--json'])
    t.match(blind, {
      status: 1,
      out: /"code":"no_evidence"/,
      err: /--without-evidence restores all the same/,
    })
    const restored = await run(['log', 'restore', backup, '--data', moved, '--without-evidence', '--json'])
    t.equal(restored.status, 0, restored.err)
    t.match(JSON.parse(restored.out), { log: 'rekor-v1', lookedAt: [] })
    t.match(await run(['log', 'mode', '--data', moved]), { out: 'rekor-v1 is open\n' })
    writeFileSync(join(moved, 'endpoints.json'), JSON.stringify(another))
    const { connectionString: database } = await testDatabase(t)
    t.match(await restore(database, '--data', moved), {
      status: 1,
      err: /nothing tells .* is of another log/,
    })
    const beside = await restore(database, '--data', moved, '--without-evidence')
    t.equal(beside.status, 0, beside.err)
    t.match(
      beside.err,
      /: the checkpoint from http.* is of another log, 127\.0\.0\.1:\d+\.\n/,
      'another stack runs there',
    )
  })

  await t.test(
    'restore: refuses an older state, says where it saw a newer one and what a fork would be',
    async (t) => {
      await sign()
      const fresh = await testDatabase(t)
      const message =
        /^Error: the backup holds 2 entries of .*, and (.*) shows 3: the backup is not the newest state of this log\n/
      const refused = await restore(fresh.connectionString)
      t.equal(refused.status, 1)
      t.equal(message.exec(refused.err)?.[1], `${rekor}/api/v1/log`)
      t.match(
        refused.err,
        /\nGoing on from an older state forks the log: .*\. Verifiers and monitors take that for tampering/,
      )
      writeFileSync(join(folder, 'newest'), await text(`${rekor}/checkpoint`))
      const elsewhere = ['--data', '/nowhere'] as const
      const newest = ['--newest-checkpoint', join(folder, 'newest')] as const
      for (const where of [newest, ['--log-url', `${rekor}/`], ['--replaces', connectionString]] as const) {
        const { status, out } = await restore(fresh.connectionString, ...elsewhere, ...where, '--json')
        t.equal(status, 1)
        t.match(JSON.parse(out), { error: { code: 'older_state' } }, where[0])
      }
      const missing = ['--newest-checkpoint', '/nowhere/checkpoint'] as const
      t.match(await restore(fresh.connectionString, ...missing), {
        status: 1,
        err: /cannot read the checkpoint/,
      })
      const down = ['--log-url', 'http://127.0.0.1:1', '--replaces', 'postgresql://127.0.0.1:1/none'] as const
      const alone = await restore(fresh.connectionString, ...elsewhere, ...down, '--without-evidence')
      t.equal(alone.status, 0, alone.err)
      t.match(alone.err, 'Looked for a newer state at http://127.0.0.1:1/api/v1/log: it does not answer.\n')
      t.match(alone.err, 'Looked for a newer state at the database that it replaces: it does not answer.\n')
    },
  )

  await t.test('backup: what is damaged, missing or of another kind', async (t) => {
    const bytes = readFileSync(backup)
    bytes[5000] = (bytes[5000] ?? 0) ^ 1
    writeFileSync(backup, bytes)
    const damaged = await run(['log', 'verify-backup', backup])
    t.match(damaged, {
      status: 1,
      err: /^Error: the backup is damaged at byte \d+: .* take another copy of it\n$/,
    })
    t.match(await run(['log', 'verify-backup', '/nowhere']), {
      status: 1,
      err: 'Error: cannot open /nowhere (ENOENT)\n',
    })
    t.match(await run(['log', 'verify-backup', '/']), {
      status: 1,
      err: 'Error: cannot read the file (EISDIR)\n',
    })
    t.match(await run(['log', 'restore', join(folder, 'file')]), {
      status: 1,
      err: /this is no backup of a log/,
    })
    t.match(await log('backup', '/nowhere/log.backup'), {
      status: 1,
      err: /cannot write \/nowhere\/log\.backup[ :]/,
    })
    t.match(await log('backup', backup, '--data', '/nowhere'), { status: 1, err: /no stack is running/ })
    t.same(readFileSync(backup), bytes)
  })

  await t.test('audit: sound, and then what is damaged', async (t) => {
    const checkpoint = await text(`${rekor}/checkpoint`)
    writeFileSync(join(folder, 'checkpoint'), checkpoint)
    while ((await pool.query('select from search_position where next_index = 7')).rowCount === 0);
    const sound = await log('audit', '--checkpoint', join(folder, 'checkpoint'))
    t.equal(sound.status, 0, sound.err)
    t.match(sound.out, /, frozen, root .*\n.*, frozen, root .*\n.*: 3 entries, root .*\nChecked: 7 entries, /)
    t.match(sound.out, /search keys of 7 entries, 0 answers, 1 checkpoint\.\nThe log is sound\.\n$/)
    const json = await log('audit', '--json', '--quiet', '--checkpoint', `${rekor}/checkpoint`)
    t.match(JSON.parse(json.out), { verdict: 'sound', findingCount: 0, checked: { checkpoints: 1 } })

    await pool.query(`insert into search_key values (1, 1)`)
    const search = await log('audit')
    t.equal(search.status, 1)
    t.match(
      search.out,
      /its search index is damaged: build it again with `sigstack log reindex --log rekor-v1`/,
    )
    t.match(await log('reindex'), {
      status: 0,
      out: 'The search index is new, and holds all 7 entries.\n',
      err: 'sorting the rows\n',
    })
    t.equal((await log('audit')).status, 0)
    const again = await log('reindex', '--quiet', '--json')
    t.same(again, { status: 0, out: '{"entries":"7","unreadable":0}\n', err: '' })
    await pool.query(
      `update entry set leaf = set_byte(leaf, 9, get_byte(leaf, 9) # 1) where leaf_index = 1 and log_no = (select min(log_no) from log where name = 'rekor-v1')`,
    )
    const damaged = await log('audit', '--json', '--search', 'none')
    t.equal(damaged.status, 1)
    t.match(JSON.parse(damaged.out), {
      verdict: 'damaged',
      findingCount: 1,
      findings: [
        {
          kind: 'entry',
          message:
            /^127\.0\.0\.1 - \d+: the bytes of entry 1 \(log index 1\) are not those that were logged$/,
        },
      ],
    })
    t.match(await log('audit', '--log', 'ct'), {
      status: 0,
      out: /^127\.0\.0\.1:\d+: \d+ entries, root .*\nChecked: \d+ entries, \d+ tiles, 0 checkpoints\.\nThe log is sound\.\n$/,
    })
    t.match(await log('audit', '--log', 'ct', '--answers', '/x'), {
      status: 2,
      err: /go with a log of Rekor v1/,
    })
    t.match(await log('audit', '--search', 'none'), {
      status: 1,
      out: /The log is DAMAGED\. Stop its writers/,
    })
  })

  await t.test('audit: what keeps it from a verdict ends with 2', async (t) => {
    t.match(await log('audit', '--search', 'most'), {
      status: 2,
      err: /Allowed choices are all, sample, none/,
    })
    t.match(await log('audit', '--answers', '/nowhere'), { status: 2, err: /ENOENT/ })
    t.match(await log('audit', '--public-key', join(folder, 'file')), {
      status: 2,
      err: /holds no public key/,
    })
    t.match(await run(['log', 'audit', '--data', '/nowhere', '--json']), {
      status: 2,
      out: /^\{"error":\{"code":"not_audited","message":"there is no database in /,
      err: /Name the database with --database/,
    })
    t.equal((await log('audit', '--help')).status, 0)
  })
})

t.test('progress tells speed and end, not more often than every few seconds', (t) => {
  let now = 0
  const lines: string[] = []
  const tell = createProgress({ err: (line) => lines.push(line) }, 'audited', () => now)
  for (; now <= 10_000; now += 500) tell(BigInt(now * 2), 1_000_000n)
  t.same(lines, [
    'audited 6,000 of 1,000,000 entries, 2,000/s, 9 min left\n',
    'audited 12,000 of 1,000,000 entries, 2,000/s, 9 min left\n',
    'audited 18,000 of 1,000,000 entries, 2,000/s, 9 min left\n',
  ])
  t.end()
})

/** A log and its witnesses: who is waited for, what is shown, and what happens without a quorum. */
import { existsSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import {
  encodeNoteKey,
  noteKey,
  noteKeyOf,
  parseCheckpoint,
  parseNoteKey,
  parseWitnessPolicy,
  verifyLines,
  verifyPolicy,
} from '@sigstack/checkpoint'
import { parsePublicKeyPem } from '@sigstack/crypto'
import type { CosignedLog } from '@sigstack/log-engine'
import { emptyRootHash } from '@sigstack/merkle'
import { testDatabase } from '@sigstack/postgres/testing'
import { createLogger } from '@sigstack/server'
import { loadOrCreateMlDsaSigner } from '@sigstack/signers'
import '@sigstack/signers/few-rounds'
import { type RunningWitness, readConfig as readWitnessConfig, startWitness } from '@sigstack/witness'
import t, { type Test } from 'tap'
import { type RunningLog, readConfig, startLog } from '../src/index.ts'
import { createFeed } from '../src/witnesses/feed.ts'
import { createWitnessClient } from '../src/witnesses/witness-client.ts'
import { json, type Parsed, proposalFor } from './support.ts'

const logger = createLogger({ name: 'test', level: 'silent' })
const hostname = 'log.example'

type Neighbours = {
  readonly folder: string
  readonly databaseUrl: string
  startLog(settings?: Readonly<Record<string, string>>): Promise<RunningLog>
  /** Of the log, once it was started. */
  listOf(log: RunningLog): string
  startWitness(name: string, list: string): Promise<RunningWitness & { readonly name: string }>
}

async function neighbours(t: Test): Promise<Neighbours> {
  const folder = existsSync(t.testdirName) ? t.testdirName : t.testdir({})
  const { connectionString: databaseUrl } = await testDatabase(t)
  const databases = new Map<string, string>()
  const running = new Set<{ stop(): Promise<void> }>()
  t.teardown(async () => {
    for (const one of running) await one.stop()
  })
  return {
    folder,
    databaseUrl,
    startLog: async (settings = {}) => {
      const config = readConfig({
        LOG_FACE: 'rekor-v1',
        LOG_HOSTNAME: hostname,
        LOG_PORT: '0',
        LOG_KEY: path.join(folder, 'log.pem'),
        LOG_KEY_PASSWORD: 'secret',
        DATABASE_URL: databaseUrl,
        ...settings,
      })
      const log = await startLog(config, { logger, processMetrics: false })
      running.add(log)
      return { ...log, stop: () => (running.delete(log) ? log.stop() : Promise.resolve()) }
    },
    listOf: ({ publicKeyPem, origin }) => {
      const vkey = encodeNoteKey(noteKeyOf(hostname, parsePublicKeyPem(publicKeyPem), 'log'))
      return `logs/v0\nvkey ${vkey}\norigin ${origin}\n`
    },
    startWitness: async (name, list) => {
      const file = path.join(folder, `${name}.logs`)
      writeFileSync(file, list)
      const database = databases.get(name) ?? (await testDatabase(t)).connectionString
      databases.set(name, database)
      const config = readWitnessConfig({
        WITNESS_NAME: name,
        WITNESS_PORT: '0',
        WITNESS_DATA: path.join(folder, name),
        WITNESS_KEY_PASSWORD: 'secret',
        WITNESS_LOGS_FILE: file,
        DATABASE_URL: database,
      })
      const witness = await startWitness(config, { logger, processMetrics: false })
      running.add(witness)
      return { ...witness, stop: () => (running.delete(witness) ? witness.stop() : Promise.resolve()) }
    },
  }
}

async function append(log: RunningLog, artifact: string): Promise<{ status: number; note: string }> {
  const answer = await fetch(`${log.url}/api/v1/log/entries`, {
    method: 'POST',
    headers: json,
    body: JSON.stringify(proposalFor(artifact)),
  })
  const body = (await answer.json()) as Parsed
  const [entry] = Object.values(body) as Parsed[]
  return { status: answer.status, note: entry?.verification?.inclusionProof?.checkpoint ?? '' }
}

const shown = async (log: RunningLog) => (await fetch(`${log.url}/checkpoint`)).text()

/** Waits for what is to come, however long the machine takes. */
async function until<T>(ask: () => Promise<T>, is: (value: T) => boolean): Promise<T> {
  for (;;) {
    const value = await ask()
    if (is(value)) return value
    await new Promise((resolve) => setImmediate(resolve))
  }
}

const policyOf = (witnesses: readonly RunningWitness[], quorum: string) =>
  `${witnesses.map(({ name, url, verifierKeys }) => `witness ${name} ${verifierKeys[0]} ${url}\n`).join('')}${quorum}`

t.test('a witness that does not know the log is told of with what helps', async (t) => {
  const around = await neighbours(t)
  const log = await around.startLog()
  const note = await shown(log)
  const { url, verifierKeys } = await around.startWitness('w.example', 'logs/v0\n')
  const client = createWitnessClient({ url, keys: verifierKeys.map(parseNoteKey), timeoutMs: 10_000 })
  const { treeHead } = parseCheckpoint(note)
  const asked: CosignedLog = {
    origin: log.origin,
    proveConsistency: () => Promise.reject(new Error('nothing was signed before')),
    newest: () => Promise.resolve({ treeHead, note }),
    update: () => {},
  }
  await t.rejects(client.cosign({ treeHead, note }, asked), {
    message: /^it knows no such log \(404\): .* list/,
  })
})

t.test('without a wait answers come at once, and the checkpoint has its cosignatures soon', async (t) => {
  const around = await neighbours(t)
  const before = await around.startLog()
  const list = around.listOf(before)
  await before.stop()
  const witness = await around.startWitness('w.example', list)
  const both = witness.verifierKeys.map((vkey, at) => `witness w${at} ${vkey} ${witness.url}\n`).join('')
  const policyText = `${both}group g all w0 w1\nquorum g\n`
  const file = path.join(around.folder, 'policy')
  writeFileSync(file, policyText)
  const log = await around.startLog({ LOG_WITNESS_POLICY_FILE: file })
  const policy = parseWitnessPolicy(policyText)
  const { status } = await append(log, 'one')
  t.equal(status, 201)
  const note = await until(
    () => shown(log),
    (note) => parseCheckpoint(note).signatures.length === 3,
  )
  const lines = await verifyPolicy(parseCheckpoint(note), policy)
  t.strictSame(
    lines.map(({ key }) => key.kind),
    ['cosignature', 'ml-dsa-44'],
  )
  t.equal(parseCheckpoint(note).signatures[0]?.name, hostname, 'behind the line of the log')
  await witness.stop()
  t.equal((await append(log, 'two')).status, 201, 'a witness that is away harms nobody')
  t.match(
    await until(
      async () => (await fetch(`${log.url}/metrics`)).text(),
      (text) => text.includes('outcome="failed"'),
    ),
    /log_witness_rounds_total\{quorum="missed"\}/,
  )
})

t.test('where a quorum is demanded each answer has it, and without one there is none', async (t) => {
  const around = await neighbours(t)
  const before = await around.startLog()
  const list = around.listOf(before)
  await before.stop()
  const witnesses = [
    await around.startWitness('a.example', list),
    await around.startWitness('b.example', list),
    await around.startWitness('c.example', list),
  ]
  const [a, b, c] = witnesses
  const text = policyOf(witnesses, 'group two 2 a.example b.example c.example\nquorum two\n')
  const policy = parseWitnessPolicy(text)
  const file = path.join(around.folder, 'policy')
  writeFileSync(file, text)
  const settings = {
    LOG_WITNESS_POLICY_FILE: file,
    LOG_WITNESS_MODE: 'require',
    LOG_WITNESS_WAIT_MS: '60000',
    LOG_WITNESS_TIMEOUT_MS: '60000',
  }
  const log = await around.startLog(settings)
  const answers = await Promise.all(Array.from({ length: 20 }, (_, at) => append(log, `at once ${at}`)))
  for (const { status, note } of answers) {
    t.equal(status, 201)
    t.equal(parseCheckpoint(note).signatures.length, 1, 'clients of Rekor v1 refuse every other line')
  }
  await t.resolves(verifyPolicy(parseCheckpoint(await shown(log)), policy))
  // A second process of the same log: each finds the witnesses further than it has shown them itself.
  const copy = await around.startLog(settings)
  let turn = 0
  for (const one of [copy, log, copy]) {
    t.equal((await append(one, `by turns ${turn++}`)).status, 201)
    await t.resolves(verifyPolicy(parseCheckpoint(await shown(one)), policy))
  }
  await copy.stop()
  await a?.stop()
  t.equal((await append(log, 'with two')).status, 201)
  t.equal((await verifyPolicy(parseCheckpoint(await shown(log)), policy)).length, 2)
  await b?.stop()
  t.equal((await append(log, 'with one')).status, 503)
  await c?.stop()
  t.equal((await append(log, 'with none')).status, 503)
})

t.test('a second line by an ML-DSA key stands behind the first, which verifies as ever', async (t) => {
  const around = await neighbours(t)
  const keyFile = path.join(around.folder, 'ml-dsa.pem')
  const log = await around.startLog({ LOG_ML_DSA_KEY: keyFile })
  const { status, note } = await append(log, 'one')
  t.equal(status, 201)
  const { publicKey } = await loadOrCreateMlDsaSigner(keyFile, 'secret')
  const keysOf = (name: string) => [
    noteKeyOf(name, parsePublicKeyPem(log.publicKeyPem), 'log'),
    parseNoteKey(encodeNoteKey(noteKey(name, 'ml-dsa-44', publicKey))),
  ]
  t.equal(parseCheckpoint(note).signatures.length, 1, 'clients of Rekor v1 refuse every other line')
  const lines = await verifyLines(parseCheckpoint(await shown(log)), keysOf(hostname))
  t.strictSame(
    lines.map(({ key }) => key.kind),
    ['ecdsa', 'ml-dsa-44'],
  )
  t.ok((lines[1]?.timeSeconds ?? 0n) > 0n)
  await log.stop()

  for (const face of ['rekor-v2', 'ct']) {
    const name = `${face}.example`
    const other = await around.startLog({
      LOG_FACE: face,
      LOG_HOSTNAME: name,
      CT_ROOTS_FILE: keyFile,
      LOG_ML_DSA_KEY: keyFile,
    })
    const checkpoint = parseCheckpoint(await shown(other))
    t.strictSame(
      (await verifyLines(checkpoint, keysOf(name))).map(({ key }) => key.kind),
      ['ecdsa', 'ml-dsa-44'],
      face,
    )
    await other.stop()
  }
})

t.test('settings that cannot be are told', async (t) => {
  const folder = t.testdir({
    none: 'quorum none\n',
    mute: `witness w witness.example.org+b8a2cf20+BFLN3yikSfFkVAJtrnh/CiY3Zozkoy7clp+P7XB28qUN\nquorum w\n`,
    fault: 'quorum w\n',
  })
  const common = {
    LOG_FACE: 'ct',
    LOG_HOSTNAME: hostname,
    LOG_PORT: '0',
    LOG_KEY: path.join(folder, 'log.pem'),
    LOG_KEY_PASSWORD: 'secret',
    CT_ROOTS_FILE: path.join(folder, 'none'),
    DATABASE_URL: 'postgresql://nobody@127.0.0.1:1/none',
  }
  t.throws(() => readConfig({ ...common, LOG_WITNESS_MODE: 'require' }), /LOG_WITNESS_POLICY_FILE/)
  const LOG_WITNESS_POLICY_FILE = path.join(folder, 'fault')
  t.throws(
    () =>
      readConfig({
        ...common,
        LOG_WITNESS_POLICY_FILE,
        LOG_WITNESS_MODE: 'require',
        LOG_WITNESS_WAIT_MS: '0',
      }),
    /LOG_WITNESS_WAIT_MS/,
  )
  for (const [file, message] of [
    ['none', /names no witness/],
    ['mute', /has no URL/],
    ['fault', /line 1 of the policy/],
    ['missing', /cannot be read/],
  ] as const) {
    const config = readConfig({ ...common, LOG_WITNESS_POLICY_FILE: path.join(folder, file) })
    await t.rejects(startLog(config, { logger, processMetrics: false }), message, file)
  }
})

t.test('the last checkpoint of a frozen log is shown without a quorum, where one is demanded', async (t) => {
  const away = async () => {
    throw new Error('away')
  }
  const feed = createFeed({
    witnesses: [{ name: 'w', client: { cosign: away } }],
    quorum: { kind: 'group', atLeast: 1, members: [] },
    waitMs: 60_000,
    demands: true,
    republishMs: 60_000,
  })
  const checkpoint = { treeHead: { size: 0n, rootHash: emptyRootHash }, note: '' }
  const log = { origin: hostname, proveConsistency: away, newest: away, update: () => {} }
  await t.rejects(feed.gather(checkpoint, log), { code: 'unavailable' })
  const last = { ...checkpoint, frozenAtMs: 1 }
  t.equal(await feed.gather(last, log), last)
})

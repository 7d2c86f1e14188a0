/** A log of each dialect over a real PostgreSQL, for one test. */
import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { rekorV1KeyHint, signCheckpoint } from '@sigstack/checkpoint'
import { createSigner, defaultClientAlgorithms, keyFingerprint, type Signer } from '@sigstack/crypto'
import { type Log, openLog } from '@sigstack/log-engine'
import type { Pool } from '@sigstack/postgres'
import { type TestDatabase, testDatabase } from '@sigstack/postgres/testing'
import {
  createTurns,
  type DearReads,
  openSearch,
  openShard,
  originOf,
  parseOrigin,
  type SearchIndex,
  type Shard,
  type Shards,
  searchKeysOfEntry,
  wholeLog,
} from '@sigstack/rekor-log'
import type { FastifyInstance } from 'fastify'
import type { AddressLimiter } from '../src/admission/address-limiter.ts'
import { buildApp } from '../src/app.ts'
import { ctOf } from '../src/faces/ct/open.ts'
import { createTreeTimes } from '../src/faces/ct/tree-head.ts'
import { type RekorV1Settings } from '../src/faces/rekor-v1/index.ts'
import { rekorV1Of } from '../src/faces/rekor-v1/open.ts'
import { openIssuers } from '../src/issuers/store.ts'
import { toldLine } from '../src/line/told-line.ts'
import type { Unopened } from '../src/line/unopened.ts'
import { logByOrigin } from '../src/log-by-origin.ts'
import type { RootSource } from '../src/roots/accepted-roots.ts'
import { ownSource, storedSources } from '../src/search/source.ts'
import { openSmallBodies } from '../src/verification/small-bodies.ts'

type Test = { teardown(action: () => Promise<void>): unknown }

export const treeId = 2605736670972794746n

// Fixed, so that failures repeat.
const logKey = createPrivateKey(`-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQggbEZrcr7LGkSlG1B
OspZMjWRZwa0AtsxQVDERQG2iryhRANCAARFVVg+ZOVIH4MlKHwX53sUWvche81W
fVpFfI2vLPDh5uh+rBqQPlku2iGhR0mDKXZ+Z2j024S5abTC79iy+NHk
-----END PRIVATE KEY-----
`)

export const readVector = (name: string) =>
  readFileSync(new URL(`./vectors/${name}`, import.meta.url), 'utf8')
/** Of the package that reads entries; their origins are in the README beside them. */
export const entryVectorBytes = (name: string) =>
  readFileSync(new URL(`../../../packages/rekor-entries/test/vectors/${name}`, import.meta.url))
export const entryVector = (name: string) => JSON.parse(entryVectorBytes(name).toString())

export type RekorUnderTest = {
  app: FastifyInstance
  log: Log
  shard: Shard
  signer: Signer
  search: SearchIndex
  database: TestDatabase
}

export async function openRekor(
  t: Test,
  options: {
    queueLimit?: number
    bodyLimitBytes?: number
    entryLimitBytes?: number
    settings?: RekorV1Settings
    dearReads?: DearReads
    trustProxy?: (address: string) => boolean
    /** Before the face is put on the server. */
    prepare?: (app: FastifyInstance) => void
    withDatabase?: (pool: Pool) => Promise<RekorV1Settings>
  } = {},
): Promise<RekorUnderTest> {
  const database = await testDatabase(t)
  const signer = createSigner(logKey)
  const keyHint = rekorV1KeyHint(signer.publicKey)
  const log = await openLog({
    pool: database.pool,
    name: 'rekor-v1',
    logId: keyFingerprint(signer.publicKey),
    newOrigin: () => originOf('rekor.example.org', treeId),
    signCheckpoint: (treeHead, origin) =>
      signCheckpoint({ origin, name: parseOrigin(origin)?.hostname ?? '', treeHead, signer, keyHint }),
    ...(options.queueLimit === undefined ? {} : { queueLimit: options.queueLimit }),
  })
  const shard = openShard(log, signer, 0n)
  const shards: Shards = {
    list: () => [shard],
    active: () => shard,
    append: async (draft) => ({ shard, ...(await log.append(draft)) }),
    refresh: async () => false,
    publicKeys: async () => [shard.publicKeyPem],
  }
  const search = await openSearch({
    pool: database.pool,
    log: wholeLog({ ...shards, onAppended: log.onAppended }),
    turns: createTurns({
      pool: database.pool,
      logId: log.logId,
      searchKeysOf: searchKeysOfEntry,
      onError: () => {},
    }),
    readers: database.pool,
    pollMs: 50,
    patienceMs: 30_000,
    onError: () => {},
  })
  const settings = (await options.withDatabase?.(database.pool)) ?? options.settings ?? {}
  const policy = { allowedAlgorithms: defaultClientAlgorithms, now: () => new Date('2021-12-01T00:00:00Z') }
  const smallBodies = openSmallBodies({ policy })
  const dependencies = {
    shards,
    search,
    searched: async () => [
      ownSource('rekor-v1', search, shards.list),
      ...(await storedSources(database.pool)),
    ],
    settings,
    now: policy.now,
    verifyText: smallBodies.verify,
    bodyLimitBytes: options.bodyLimitBytes ?? 1_048_576,
    entryLimitBytes: options.entryLimitBytes ?? 65_535,
    ...(options.dearReads !== undefined && { dearReads: options.dearReads }),
  }
  const { trustProxy } = options
  const face = rekorV1Of(dependencies)
  const register = async (app: FastifyInstance) => {
    options.prepare?.(app)
    await face.register(app)
  }
  const app = await buildApp(
    { ...face, register },
    {
      logger: false,
      ...(trustProxy !== undefined && { trustProxy }),
    },
  )
  t.teardown(async () => {
    await app.close()
    await smallBodies.stop()
    await search.stop()
    await log.close()
  })
  return { app, log, shard, signer, search, database }
}

export async function openCt(
  t: Test,
  options: {
    roots: RootSource
    extendedKeyUsages?: readonly string[]
    addressLimiter?: AddressLimiter
    entryLimitBytes?: number
    prefix?: string
    pool?: Pool
    nowMs?: () => number
  },
) {
  const pool = options.pool ?? (await testDatabase(t)).pool
  const prefix = options.prefix ?? ''
  const signer = createSigner(logKey)
  const log = await openLog({
    pool,
    ...logByOrigin('ct', `ct.example.org${prefix}`, signer),
  })
  const dependencies = {
    log,
    signer,
    roots: options.roots,
    pathPrefix: prefix,
    toldLine: () => toldLine(pool, 'ct'),
    issuers: await openIssuers(pool),
    timestampOf: createTreeTimes(log, options.nowMs ?? Date.now),
    extendedKeyUsages: options.extendedKeyUsages ?? [],
    ...(options.addressLimiter !== undefined && { addressLimiter: options.addressLimiter }),
    bodyLimitBytes: 524_288,
    entryLimitBytes: options.entryLimitBytes ?? 65_535,
    nowMs: options.nowMs ?? Date.now,
  }
  const app = await buildApp(ctOf(dependencies), { logger: false })
  t.teardown(async () => {
    await app.close()
    await log.close()
  })
  return { app, log, signer }
}

const clientKey: KeyObject = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
const clientKeyPem = String(createSignerPem(clientKey))

function createSignerPem(key: KeyObject): string {
  const { spki } = createSigner(key).publicKey
  return `-----BEGIN PUBLIC KEY-----\n${Buffer.from(spki).toString('base64').replace(/.{64}/g, '$&\n')}\n-----END PUBLIC KEY-----\n`
}

/** A hashedrekord proposal over `artifact`, signed here. */
export function proposalFor(artifact: string) {
  return {
    apiVersion: '0.0.1',
    kind: 'hashedrekord',
    spec: {
      data: { hash: { algorithm: 'sha256', value: createHash('sha256').update(artifact).digest('hex') } },
      signature: {
        content: sign('sha256', Buffer.from(artifact), clientKey).toString('base64'),
        publicKey: { content: Buffer.from(clientKeyPem).toString('base64') },
      },
    },
  }
}

/** A parsed answer, looked into freely: what is missing fails the test. */
// oxlint-disable-next-line typescript/no-explicit-any
export type Parsed = any

/** A line of which everything is open. */
export const noneUnopened: Unopened = { known: () => [], now: async () => [] }

export const json = { 'content-type': 'application/json' }

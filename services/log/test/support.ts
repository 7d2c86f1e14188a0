/** A log of each dialect over a real PostgreSQL, for one test. */
import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { noteKeyHint, rekorV1KeyHint, signCheckpoint } from '@sigstack/checkpoint'
import { createSigner, defaultClientAlgorithms, keyFingerprint, type Signer } from '@sigstack/crypto'
import { type Log, openLog } from '@sigstack/log-engine'
import type { Pool } from '@sigstack/postgres'
import { type TestDatabase, testDatabase } from '@sigstack/postgres/testing'
import { verifyProposal } from '@sigstack/rekor-entries'
import type { FastifyInstance } from 'fastify'
import { buildApp } from '../src/app.ts'
import type { RootSource } from '../src/faces/ct/index.ts'
import {
  openShard,
  originOf,
  parseOrigin,
  type RekorV1Settings,
  type Shard,
  type Shards,
  searchKeysOfEntry,
} from '../src/faces/rekor-v1/index.ts'
import { openSearch, type SearchIndex } from '../src/search/index.ts'
import { createTurns } from '../src/search/turn.ts'
import { wholeLog } from '../src/shards/whole-log.ts'
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
export const jsonVector = (name: string) => JSON.parse(readVector(name))

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
    settings?: RekorV1Settings
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
    pollMs: 50,
    onError: () => {},
  })
  const settings = (await options.withDatabase?.(database.pool)) ?? options.settings ?? {}
  const policy = { allowedAlgorithms: defaultClientAlgorithms }
  const smallBodies = openSmallBodies({ policy })
  const dependencies = {
    shards,
    search,
    settings,
    verifyProposal: (proposal: unknown) => verifyProposal(proposal, policy),
    verifyText: smallBodies.verify,
    bodyLimitBytes: options.bodyLimitBytes ?? 1_048_576,
  }
  const app = await buildApp({ face: 'rekor-v1', dependencies }, { logger: false })
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
    name: 'ct',
    logId: keyFingerprint(signer.publicKey),
    newOrigin: () => `ct.example.org${prefix}`,
    signCheckpoint: (treeHead, origin) =>
      signCheckpoint({
        origin,
        name: origin,
        treeHead,
        signer,
        keyHint: noteKeyHint(origin, signer.publicKey),
      }),
  })
  const dependencies = {
    log,
    signer,
    roots: options.roots,
    pathPrefix: prefix,
    extendedKeyUsages: options.extendedKeyUsages ?? [],
    bodyLimitBytes: 524_288,
    nowMs: options.nowMs ?? Date.now,
  }
  const app = await buildApp({ face: 'ct', dependencies }, { logger: false })
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

export const json = { 'content-type': 'application/json' }

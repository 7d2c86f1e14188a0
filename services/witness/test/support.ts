/** A log that can fork, and witnesses over one database each. */
import { generateKeyPairSync } from 'node:crypto'
import { existsSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import {
  encodeNoteKey,
  encodeUpload,
  type NoteKey,
  noteKeyOf,
  signCheckpoint,
  type UploadPackage,
} from '@sigstack/checkpoint'
import { concatBytes, createSigner, type Signer, toBase64, utf8 } from '@sigstack/crypto'
import {
  createTile,
  emptyRootHash,
  emptyTree,
  growTree,
  type Hash,
  leafHash,
  proveSubtree,
  type SubtreeProof,
} from '@sigstack/merkle'
import { testDatabase } from '@sigstack/postgres/testing'
import { createLogger } from '@sigstack/server'
import '@sigstack/signers/few-rounds'
import { type RunningWitness, readConfig, type StartOptions, startWitness } from '@sigstack/witness'
import type { Test } from 'tap'

export const logger = createLogger({ name: 'witness', level: 'silent' })

export type TestLog = {
  readonly key: NoteKey
  readonly vkey: string
  /** The checkpoint of the first `size` leaves; those from `fork` on are others. */
  checkpoint(size: number, fork?: number): Promise<string>
  /** A submission of it. */
  submission(oldSize: number, size: number, fork?: number): Promise<string>
  /** All packages of an upload to the tree of `end`, or the first `packages` of them. */
  upload(start: number, end: number, packages?: number, fork?: number): Uint8Array
  /** The entries as bundles have them. */
  bundle(start: number, end: number, fork?: number): Uint8Array
  /** Asks for the signature of a subtree below a checkpoint that carries `lines`. */
  subtreeRequest(start: number, end: number, size: number, lines: string): Promise<string>
}

type TestLogOptions = {
  readonly signer?: Signer
  /** Of its key; the origin where it is left out. */
  readonly name?: string
}

export function testLog(
  origin: string,
  { signer = createSigner(generateKeyPairSync('ed25519').privateKey), name = origin }: TestLogOptions = {},
): TestLog {
  const key = noteKeyOf(name, signer.publicKey, 'log')
  const entry = (at: number, fork: number) => utf8(at < fork ? `leaf ${at}` : `other ${at}`)
  const leaves = (size: number, fork = size): Hash[] =>
    Array.from({ length: size }, (_, at) => leafHash(entry(at, fork)))
  const bundle = (start: number, end: number, fork = end) => {
    const entries = Array.from({ length: end - start }, (_, at) => entry(start + at, fork))
    return concatBytes(...entries.flatMap((bytes) => [Uint8Array.of(0, bytes.length), bytes]))
  }
  const prove = (start: number, end: number, size: number, fork?: number): SubtreeProof => {
    const { changedTiles } = growTree(emptyTree, leaves(size, fork))
    const tiles = new Map(changedTiles.map(({ level, index, tile }) => [`${level}/${index}`, tile]))
    const range = { start: BigInt(start), end: BigInt(end) }
    return proveSubtree(range, BigInt(size), (level, index) => tiles.get(`${level}/${index}`) ?? createTile())
  }
  const checkpoint = (size: number, fork?: number) => {
    const { tree } = growTree(emptyTree, leaves(size, fork))
    const rootHash = size === 0 ? emptyRootHash : tree.rootHash
    const treeHead = { size: BigInt(size), rootHash }
    return signCheckpoint({ origin, name, treeHead, signer, keyHint: key.keyHint })
  }
  return {
    key,
    vkey: encodeNoteKey(key),
    checkpoint,
    bundle,
    upload: (start, end, most = Number.POSITIVE_INFINITY, fork = end) => {
      const packages: UploadPackage[] = []
      for (let from = start; from < end && packages.length < most; ) {
        const bundleStart = from - (from % 256)
        const to = Math.min(bundleStart + 256, end)
        const proof = prove(bundleStart, to, end, fork).hashes
        packages.push({ entries: bundle(from, to, fork), proof })
        from = to
      }
      return encodeUpload({ origin, start: BigInt(start), end: BigInt(end) }, packages)
    },
    subtreeRequest: async (start, end, size, lines) => {
      const { tree } = growTree(emptyTree, leaves(end).slice(start))
      const hashes = [tree.rootHash, ...prove(start, end, size).hashes].map((hash) => `${toBase64(hash)}\n`)
      return `subtree ${start} ${end}\n${hashes.join('')}\n${(await checkpoint(size)) + lines}`
    },
    submission: async (oldSize, size, fork) => {
      const { hashes } = prove(0, oldSize, size, fork)
      const lines = hashes.map((hash) => `${toBase64(hash)}\n`).join('')
      return `old ${oldSize}\n${lines}\n${await checkpoint(size, fork)}`
    },
  }
}

type Answer = { readonly status: number; readonly type: string | null; readonly body: string }

export type TestWitness = RunningWitness & {
  readonly logsFile: string
  add(body: string | Uint8Array): Promise<Answer>
  /** The same for another path. */
  post(path: string, body: string | Uint8Array, headers?: Record<string, string>): Promise<Answer>
  /** Another process over the same keys and database. */
  again(options?: Partial<StartOptions>): Promise<TestWitness>
}

/** Knows the logs of `vkeys`. */
export async function openWitness(
  t: Test,
  vkeys: readonly string[],
  options: Partial<StartOptions> & {
    readonly name?: string
    readonly settings?: Record<string, string>
  } = {},
): Promise<TestWitness> {
  const { name = 'witness.example', settings = {}, ...startOptions } = options
  const base = existsSync(t.testdirName) ? t.testdirName : t.testdir({})
  const folder = path.join(base, name)
  const { connectionString } = await testDatabase(t)
  const logsFile = path.join(base, `${name}.logs`)
  writeFileSync(logsFile, `logs/v0\n\n${vkeys.map((vkey) => `vkey ${vkey}\n`).join('')}`)
  const config = readConfig({
    WITNESS_NAME: name,
    WITNESS_PORT: '0',
    WITNESS_DATA: folder,
    WITNESS_KEY_PASSWORD: 'a password',
    WITNESS_LOGS_FILE: logsFile,
    DATABASE_URL: connectionString,
    ...settings,
  })
  const start = async (more: Partial<StartOptions>): Promise<TestWitness> => {
    const witness = await startWitness(config, { logger, processMetrics: false, ...more })
    t.teardown(() => witness.stop())
    const post: TestWitness['post'] = async (path, body, headers = {}) => {
      const answer = await fetch(witness.url + path, { method: 'POST', body: Buffer.from(body), headers })
      return {
        status: answer.status,
        type: answer.headers.get('content-type'),
        body: await answer.text(),
      }
    }
    return {
      ...witness,
      logsFile,
      add: (body) => post('/add-checkpoint', body),
      post,
      again: start,
    }
  }
  return start(startOptions)
}

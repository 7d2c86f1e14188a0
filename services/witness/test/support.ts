/** A log that can fork, and witnesses over one database each. */
import { generateKeyPairSync } from 'node:crypto'
import { existsSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { encodeNoteKey, type NoteKey, noteKeyOf, signCheckpoint } from '@sigstack/checkpoint'
import { createSigner, type Signer, toBase64, utf8 } from '@sigstack/crypto'
import {
  emptyRootHash,
  emptyTree,
  growTree,
  type Hash,
  leafHash,
  proveConsistency,
  tileFromHashes,
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
  const leaves = (size: number, fork = size): Hash[] =>
    Array.from({ length: size }, (_, at) => leafHash(utf8(at < fork ? `leaf ${at}` : `other ${at}`)))
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
    submission: async (oldSize, size, fork) => {
      const tile = tileFromHashes(Buffer.concat(leaves(size, fork)))
      const { hashes } = proveConsistency(BigInt(oldSize), BigInt(size), () => tile)
      const lines = hashes.map((hash) => `${toBase64(hash)}\n`).join('')
      return `old ${oldSize}\n${lines}\n${await checkpoint(size, fork)}`
    },
  }
}

export type TestWitness = RunningWitness & {
  readonly logsFile: string
  add(body: string | Uint8Array): Promise<{ status: number; type: string | null; body: string }>
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
    return {
      ...witness,
      logsFile,
      add: async (body) => {
        const answer = await fetch(`${witness.url}/add-checkpoint`, {
          method: 'POST',
          body: Buffer.from(body),
        })
        return {
          status: answer.status,
          type: answer.headers.get('content-type'),
          body: await answer.text(),
        }
      },
      again: start,
    }
  }
  return start(startOptions)
}

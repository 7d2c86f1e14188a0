import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Checkpoint,
  encodeNoteKey,
  type NoteKey,
  noteKeyOf,
  parseCheckpoint,
  parseNoteKey,
  signCheckpoint,
  verifyLines,
} from '@sigstack/checkpoint'
import { type Signer, sha256, sha256Hex } from '@sigstack/crypto'
import { asHash, verifyConsistency } from '@sigstack/merkle'
import { createPool, keepEmbeddedPostgres } from '@sigstack/postgres'
import { openKeyFile } from '@sigstack/signers'
import type { Random } from '../../support/random.ts'
import { killPostmaster } from '../parts/postgres-processes.ts'
import { replicaKey, replicaPassword, startReplica } from '../parts/replicas.ts'
import { assertStanding } from '../parts/service-process.ts'
import { startWitnessProcess, type WitnessProcess, writePolicy } from '../parts/witnesses.ts'
import { type Scenario, underLoad, untilTrue } from '../scenario.ts'

const names = ['alder', 'birch', 'cedar'] as const
const quorumOf = 2

/** A log that answers with a quorum only, and that somebody with its key forks after each blow. */
export const killWitnesses: Scenario = {
  name: 'kill-witnesses',
  title:
    'kill -9 and SIGSTOP of one or two of three witnesses whose quorum the log waits for, and forks by its own key',
  run: async (options) => {
    const { folder, random, times, onProgress } = options
    const dataDirectory = path.join(folder, 'database')
    const database = await keepEmbeddedPostgres({ dataDirectory })
    const databaseUrl = database.connectionString
    const running: { kill(): Promise<void> }[] = []
    try {
      const log = await introduce(folder, databaseUrl)
      const logsFile = path.join(folder, 'logs')
      await writeFile(logsFile, `logs/v0\nvkey ${encodeNoteKey(log.key)}\norigin ${log.origin}\n`)
      const witnesses: WitnessProcess[] = []
      for (const name of names) {
        witnesses.push(await startWitnessProcess({ folder, name, databaseUrl, logsFile }))
        running.push(...witnesses.slice(-1))
      }
      const policyFile = path.join(folder, 'policy')
      await writePolicy(policyFile, witnesses, quorumOf)
      const environment = { LOG_WITNESS_POLICY_FILE: policyFile, LOG_WITNESS_MODE: 'require' }
      const replica = await startReplica({ folder, databaseUrl, environment })
      running.push(replica)
      return await underLoad(options, { urls: () => [replica.url], databaseUrl }, async (load) => {
        const seen = { killed: 0, frozen: 0, database: 0, forks: 0 }
        for (let done = 1; done <= times; done++) {
          await sleep(100 + random.below(400))
          const blow =
            done === 1 ? 'killed' : random.pick(['killed', 'killed', 'frozen', 'database'] as const)
          if (blow === 'database') await killPostmaster(dataDirectory)
          else await inflict(blow, witnesses, random, load.untilAnswered)
          seen[blow]++
          await load.untilAnswered(3)
          seen.forks += await fork(log, witnesses)
          await untilQuorum(replica.url, witnesses)
          assertStanding([replica, ...witnesses])
          onProgress(`blow ${done} of ${times} (${blow}): ${load.answered()} entries answered`)
        }
        await confront(replica.url, log.origin, witnesses)
        return seen
      })
    } finally {
      for (const each of running) await each.kill()
      await database.stop()
    }
  },
}

type ForkableLog = { readonly origin: string; readonly key: NoteKey; readonly signer: Signer }

/** Lets the log make its key and its first entry, and tells of it. */
async function introduce(folder: string, databaseUrl: string): Promise<ForkableLog> {
  const pool = createPool({ connectionString: databaseUrl, maxConnections: 1 })
  try {
    for (const name of names) await pool.query(`create schema ${name}`)
  } finally {
    await pool.end()
  }
  const replica = await startReplica({ folder, databaseUrl })
  try {
    const { origin } = await readCheckpoint(`${replica.url}/checkpoint`)
    const signer = await openKeyFile(replicaKey(folder), replicaPassword)
    const [name = ''] = origin.split(' ')
    return { origin, key: noteKeyOf(name, signer.publicKey, 'log'), signer }
  } finally {
    await replica.kill()
  }
}

/** With two of three away there is no quorum, and no answer until they are back. */
async function inflict(
  blow: 'killed' | 'frozen',
  witnesses: readonly WitnessProcess[],
  random: Random,
  untilAnswered: (more: number) => Promise<void>,
): Promise<void> {
  const first = random.pick(witnesses)
  const victims = random.chance(0.5) ? [first] : witnesses.filter((witness) => witness !== first)
  for (const victim of victims) {
    if (blow === 'killed') await victim.kill()
    else victim.signal('SIGSTOP')
  }
  if (victims.length === 1) await untilAnswered(2)
  else await sleep(random.below(1000))
  for (const victim of victims) {
    if (blow === 'killed') await victim.restart()
    else victim.signal('SIGCONT')
  }
}

/** Shows each witness another history, signed by the log's own key: of the size that it has signed, and of a larger one. */
async function fork(
  { origin, key, signer }: ForkableLog,
  witnesses: readonly WitnessProcess[],
): Promise<number> {
  let forks = 0
  for (const { url, name } of witnesses) {
    const { treeHead } = await readCheckpoint(`${url}/${sha256Hex(origin)}/checkpoint`)
    for (const size of [treeHead.size, treeHead.size + 1n]) {
      const rootHash = asHash(sha256(`another history of ${size}`))
      const note = await signCheckpoint({
        origin,
        name: key.name,
        treeHead: { size, rootHash },
        signer,
        keyHint: key.keyHint,
      })
      const answer = await fetch(`${url}/add-checkpoint`, {
        method: 'POST',
        body: `old ${treeHead.size}\n\n${note}`,
      })
      const text = await answer.text()
      if (answer.status !== 422 && answer.status !== 409)
        throw new Error(`${name} answers a fork of ${size} with ${answer.status}: ${text}`)
      forks++
    }
  }
  return forks
}

async function untilQuorum(url: string, witnesses: readonly WitnessProcess[]): Promise<void> {
  const keys = witnesses.map(({ verifierKey }) => parseNoteKey(verifierKey))
  await untilTrue('a checkpoint with a quorum', async () => {
    const answer = await fetch(`${url}/checkpoint`)
    const text = await answer.text()
    if (answer.status !== 200) return false
    const lines = await verifyLines(parseCheckpoint(text), keys)
    return new Set(lines.map(({ key }) => key)).size >= quorumOf
  })
}

/** What each witness has signed last is a beginning of the log. */
async function confront(url: string, origin: string, witnesses: readonly WitnessProcess[]): Promise<void> {
  for (const witness of witnesses) {
    const signed = await readCheckpoint(`${witness.url}/${sha256Hex(origin)}/checkpoint`)
    const lines = await verifyLines(signed, [parseNoteKey(witness.verifierKey)])
    if (lines.length === 0) throw new Error(`${witness.name} shows a checkpoint that it has not signed`)
    const older = signed.treeHead
    let newer = older
    // The log shows what its quorum has signed, so one witness may be ahead of it.
    await untilTrue(`a checkpoint of ${older.size} at ${url}`, async () => {
      newer = (await readCheckpoint(`${url}/checkpoint`)).treeHead
      return newer.size >= older.size
    })
    const answer = await fetch(`${url}/api/v1/log/proof?firstSize=${older.size}&lastSize=${newer.size}`)
    const { hashes } = (await answer.json()) as { hashes: readonly string[] }
    const proof = {
      oldSize: older.size,
      newSize: newer.size,
      hashes: hashes.map((hash) => asHash(Buffer.from(hash, 'hex'))),
    }
    verifyConsistency(proof, older.rootHash, newer.rootHash)
  }
}

async function readCheckpoint(url: string): Promise<Checkpoint> {
  let text = ''
  await untilTrue(`a checkpoint of ${url}`, async () => {
    const answer = await fetch(url).catch(() => undefined)
    text = (await answer?.text()) ?? ''
    return answer?.status === 200
  })
  return parseCheckpoint(text)
}

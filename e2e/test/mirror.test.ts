/** A log whose database is lost, read from the mirror that somebody else keeps of it. */
import '@sigstack/signers/few-rounds'
import { readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseCheckpoint, parseNoteKey, verifyLines } from '@sigstack/checkpoint'
import { sha256Hex } from '@sigstack/crypto'
import {
  leafHash,
  proveInclusion,
  rootOfPrefix,
  tilesForInclusion,
  tilesForRoot,
  verifyInclusion,
} from '@sigstack/merkle'
import { testDatabase } from '@sigstack/postgres/testing'
import { createLogger } from '@sigstack/server'
import { openTiles } from '@sigstack/tile-client'
import { readConfig, startWitness } from '@sigstack/witness'
import t from 'tap'
import { hashedrekordBody, obtainCertificate } from '../support/requests.ts'
import { createRun } from '../support/run-command.ts'
import { startStackProcess, trialToken } from '../support/stack-process.ts'

const program = fileURLToPath(new URL('../../packages/cli/src/main.ts', import.meta.url))

t.setTimeout(600_000)

t.test('entries outlive their log in a mirror', async (t) => {
  const base = t.testdir()
  const dataDirectory = path.join(base, 'stack')
  const stack = await startStackProcess({ dataDirectory, environment: { SIGSTACK_WITNESS: 'own' } })
  t.teardown(() => stack.kill())
  const email = 'tester@example.org'
  const { services } = stack.endpoints
  const rekor = services['rekor'] ?? ''
  const token = await trialToken(stack.endpoints, email)
  const issued = await obtainCertificate(services['ca'] ?? '', token, email)
  const append = async (): Promise<Buffer> => {
    const answer = await fetch(`${rekor}/api/v1/log/entries`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: hashedrekordBody(issued),
    })
    const [entry] = Object.values((await answer.json()) as Record<string, { body: string }>)
    return Buffer.from(entry?.body ?? '', 'base64')
  }
  // The stack has written a first entry itself, to see whether it can sign.
  const bodies = await Promise.all(Array.from({ length: 20 }, append))

  const logsFile = path.join(dataDirectory, 'witness', 'logs')
  const { connectionString } = await testDatabase(t)
  const elsewhere = await startWitness(
    readConfig({
      WITNESS_NAME: 'witness.example',
      WITNESS_MIRROR_NAME: 'mirror.example',
      WITNESS_PORT: '0',
      WITNESS_DATA: path.join(base, 'elsewhere'),
      WITNESS_KEY_PASSWORD: 'a password',
      WITNESS_LOGS_FILE: logsFile,
      DATABASE_URL: connectionString,
    }),
    { logger: createLogger({ name: 'witness', level: 'silent' }), processMetrics: false },
  )
  t.teardown(() => elsewhere.stop())
  const run = createRun({ environment: {}, folder: base })
  const words = ['log', 'mirror', '--log', rekor, '--to', elsewhere.url, '--json']
  const feed = async () => JSON.parse((await run(process.execPath, [program, ...words])).stdout)
  t.match(await feed(), { size: '21', uploaded: '21', signatures: { length: 2 } })
  bodies.push(await append())
  t.match(await feed(), { size: '22', uploaded: '1' })
  t.match(await feed(), { size: '22', uploaded: '0' })
  const logKeys = readFileSync(logsFile, 'utf8').matchAll(/^vkey (.+)$/gm)
  const keys = [...[...logKeys].map(([, vkey]) => vkey ?? ''), ...elsewhere.mirrorVerifierKeys].map(
    parseNoteKey,
  )

  const { origin } = parseCheckpoint((await openTiles(rekor).checkpoint()).note)
  await stack.kill()
  rmSync(dataDirectory, { recursive: true })

  const copy = openTiles(`${elsewhere.url}/mirror/${sha256Hex(origin)}`)
  const checkpoint = parseCheckpoint((await copy.checkpoint()).note)
  const lines = await verifyLines(checkpoint, keys)
  t.ok(lines.length >= 3, 'signed by the log and by both keys of the mirror')
  const { size, rootHash } = checkpoint.treeHead
  t.equal(size, 22n)
  t.strictSame(
    Buffer.from(rootOfPrefix(size, await copy.load(tilesForRoot(size), size))),
    Buffer.from(rootHash),
  )
  const entries = await copy.entries(0n, size)
  const kept = new Set(entries.map(String))
  t.ok(bodies.every((body) => kept.has(String(body))))
  for (const [at, entry] of entries.entries()) {
    const index = BigInt(at)
    const tiles = await copy.load(tilesForInclusion(index, size), size)
    verifyInclusion(proveInclusion(index, size, tiles), leafHash(entry), rootHash)
  }
})

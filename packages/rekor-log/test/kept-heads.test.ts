import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { noteKeyHint, signCheckpoint } from '@sigstack/checkpoint'
import { createSigner, generateSigningKey } from '@sigstack/crypto'
import { leafHash } from '@sigstack/merkle'
import t from 'tap'
import { keptHeads } from '../src/signing/kept-heads.ts'

const signer = createSigner(generateSigningKey())
const { publicKey } = signer
const origin = 'log.example.org'

async function checkpoint(size: bigint, by = signer) {
  const treeHead = { size, rootHash: leafHash(Buffer.from(`tree of ${size}`)) }
  const keyHint = noteKeyHint(origin, by.publicKey)
  return { treeHead, note: await signCheckpoint({ origin, name: origin, treeHead, signer: by, keyHint }) }
}

function openHeads(folder: string, options: { pauseMs?: number; name?: string } = {}) {
  const told: string[] = []
  const onError = (error: unknown) => told.push((error as Error).message)
  // So long that only the first head and the last one are written.
  return { told, ...keptHeads({ folder, name: 'ct', publicKey, onError, pauseMs: 60_000, ...options }) }
}

const fileIn = (folder: string) =>
  path.join(folder, readdirSync(folder).find((name) => name.endsWith('.checkpoint')) ?? 'none')

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn()
}

t.test(
  'the first head is kept at once, of those after it the newest, and at a stop the last one',
  async (t) => {
    const folder = t.testdir({})
    const heads = openHeads(folder, { pauseMs: 1 })
    t.equal(await heads.read(), undefined)
    for (const size of [3n, 5n, 4n]) heads.keep(await checkpoint(size))
    const isKept = (name: string) => readFileSync(path.join(folder, name), 'utf8').includes('\n5\n')
    await until(() => readdirSync(folder).some((name) => name.endsWith('.checkpoint') && isKept(name)))

    const patient = openHeads(folder)
    for (const size of [6n, 7n, 8n, 9n]) patient.keep(await checkpoint(size))
    await patient.close()
    t.match(await openHeads(folder).read(), { origin, size: 9n, where: fileIn(folder) })
    await heads.close()
    t.equal((await openHeads(folder).read())?.size, 9n, 'a replica that is behind does not put it back')
    t.match(await patient.read(), { rootHash: leafHash(Buffer.from('tree of 9')) })
  },
)

t.test('heads that nobody asks for are signed when one is written, and at a stop', async (t) => {
  const folder = t.testdir({})
  const heads = openHeads(folder)
  const signed: bigint[] = []
  const grow = (size: bigint) =>
    heads.follow(async () => {
      signed.push(size)
      heads.keep(await checkpoint(size))
    })
  for (const size of [1n, 2n, 3n]) grow(size)
  await until(() => readdirSync(folder).some((name) => name.endsWith('.checkpoint')))
  for (const size of [4n, 5n]) grow(size)
  await heads.close()
  t.strictSame(signed, [1n, 5n], 'the first at once, of the others the newest')
  t.equal((await openHeads(folder).read())?.size, 5n)
})

t.test(
  'a head that could not be signed is told, and signed later; what is signed is kept meanwhile',
  async (t) => {
    const heads = openHeads(t.testdir({}))
    let isDown = true
    heads.follow(async () => {
      if (isDown) throw new Error('the key service is away')
      heads.keep(await checkpoint(2n))
    })
    await until(() => heads.told.length > 0)
    t.match(heads.told, [/cannot be kept in .*: the key service is away/])
    heads.keep(await checkpoint(1n))
    isDown = false
    await heads.close()
    t.equal((await heads.read())?.size, 2n)
  },
)

t.test('each log and key has a file of its own', async (t) => {
  const folder = t.testdir({})
  const first = openHeads(folder, { name: 'rekor-v1/1' })
  first.keep(await checkpoint(1n))
  await first.close()
  t.equal(await openHeads(folder).read(), undefined)
  t.equal((await openHeads(folder, { name: 'rekor-v1/1' }).read())?.size, 1n)
})

t.test('a file that the key has not signed is not taken for nothing', async (t) => {
  const folder = t.testdir({})
  const heads = openHeads(folder)
  heads.keep(await checkpoint(1n))
  await heads.close()
  const stranger = await checkpoint(2n, createSigner(generateSigningKey()))
  for (const text of ['', 'no checkpoint', stranger.note]) {
    writeFileSync(fileIn(folder), text)
    await t.rejects(openHeads(folder).read(), {
      code: 'inconsistent',
      message: /\.checkpoint should hold the newest checkpoint.* Bring the file back, or remove it/,
    })
  }
})

t.test('a folder that takes no file is told once, and nobody waits for it', async (t) => {
  const folder = path.join(t.testdir({}), 'keys')
  const heads = openHeads(folder, { pauseMs: 1 })
  heads.keep(await checkpoint(1n))
  await until(() => heads.told.length > 0)
  heads.keep(await checkpoint(2n))
  for (let i = 0; i < 20; i++) await turn()
  t.match(heads.told, [/the newest signed head cannot be kept in .*ENOENT/])
  t.equal(heads.told.length, 1)
  mkdirSync(folder)
  await heads.close()
  t.equal((await openHeads(folder).read())?.size, 2n)
})

/**
 * Witnesses and mirrors, ours beside those of others (`npm run interop -- --witnesses`): litewitness cosigns our log, our witness cosigns a log
 * of Tessera that Tessera itself shows to it, and Tessera's fsck reads our log and what our mirror keeps of it. The log signs its heads with
 * ML-DSA-44 too, which all of them pass over.
 */
import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { appendFile, mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Checkpoint, encodeNoteKey, noteKeyOf, parseCheckpoint } from '@sigstack/checkpoint'
import { parsePublicKey, reasonOf, toBase64 } from '@sigstack/crypto'
import { programOf } from '@sigstack/server/program'
import { InteropError } from '../support/interop-error.ts'
import type { Run } from '../support/run-command.ts'
import { startStackProcess } from '../support/stack-process.ts'
import { type Litewitness, startLitewitness } from '../support/upstream/litewitness.ts'
import { installTool } from '../support/upstream/tools.ts'
import type { Workshop } from '../support/workshop.ts'
import { growRekorV2 } from './grow-log.ts'

type Options = {
  readonly workshop: Workshop
  readonly folder: string
  readonly runIn: (home: string) => Run
  readonly onProgress: (message: string) => void
}

const sigstack = programOf(new URL('../../packages/cli/src/main.ts', import.meta.url))
const patienceMs = 60_000
const names = {
  litewitness: 'litewitness.interop.example',
  mirror: 'mirror.interop.example',
  tessera: 'tessera.interop.example',
}

/** Tells what was tried, line by line; true when nothing failed. */
export async function runWitnessRounds(options: Options, say: (line: string) => void): Promise<boolean> {
  const { workshop, folder, runIn, onProgress } = options
  const wanted = ['litewitness', 'witnessctl', 'tessera-fsck', 'tessera-oneshot'] as const
  const tools = new Map<(typeof wanted)[number], string>()
  for (const name of wanted) {
    try {
      const { command, version } = await installTool(workshop, name)
      tools.set(name, command)
      onProgress(`${name} ${version}`)
    } catch (error) {
      if (!(error instanceof InteropError && error.code === 'missing')) throw error
      say(`missing ${name}: ${error.message}`)
    }
  }
  const home = path.join(folder, 'home')
  await mkdir(home, { recursive: true })
  const run = runIn(home)
  const [command, witnessctl] = [tools.get('litewitness'), tools.get('witnessctl')]
  const litewitness =
    command === undefined || witnessctl === undefined
      ? undefined
      : await startLitewitness({
          command,
          witnessctl,
          name: names.litewitness,
          folder: path.join(folder, 'litewitness'),
          run,
        })
  const stack = await startWitnessedStack(path.join(folder, 'data'), litewitness).catch(
    async (error: unknown) => {
      await litewitness?.stop()
      throw error
    },
  )
  try {
    const fsck = tools.get('tessera-fsck')
    const oneshot = tools.get('tessera-oneshot')
    const rounds = {
      ...(litewitness && {
        'litewitness cosigns our log as it grows': () => cosignedByOthers(stack, litewitness),
      }),
      ...(fsck && { "Tessera's fsck reads our log": () => demandSound(run, fsck, stack, stack.url) }),
      ...(oneshot && {
        'our witness cosigns a log of Tessera, and no second history of it': () =>
          cosignsOthers(run, oneshot, stack, folder),
      }),
      ...(fsck && {
        "Tessera's fsck reads what our mirror keeps of our log": async () => {
          const [witness] = await ownWitness(stack)
          await run(process.execPath, [...sigstack, 'log', 'mirror', '--log', stack.url, '--to', witness])
          await demandSound(run, fsck, stack, `${witness}/mirror/${hashOf(stack.origin)}`)
        },
      }),
    }
    let isGood = true
    for (const [name, round] of Object.entries(rounds)) {
      onProgress(name)
      try {
        await round()
        say(`ok      ${name}`)
      } catch (error) {
        isGood = false
        say(`FAILED  ${name}: ${reasonOf(error)}`)
      }
    }
    return isGood
  } finally {
    await stack.stop()
    await litewitness?.stop()
  }
}

type WitnessedStack = {
  /** Its data folder. */
  readonly folder: string
  /** Of its log of Rekor v2, whose key is an Ed25519 one, which every witness knows. */
  readonly url: string
  readonly origin: string
  readonly vkey: string
  stop(): Promise<number>
}

/** Its own witness keeps copies too; its logs are shown to the other one, where there is one. */
async function startWitnessedStack(
  folder: string,
  litewitness: Litewitness | undefined,
): Promise<WitnessedStack> {
  const passphrase = 'a password'
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const keys = path.join(folder, 'keys')
  await mkdir(keys, { recursive: true, mode: 0o700 })
  await writeFile(
    path.join(keys, 'rekor-v2.key.pem'),
    privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase }),
    { mode: 0o600 },
  )
  const policy = path.join(folder, 'others')
  if (litewitness !== undefined)
    await writeFile(policy, `witness lite ${litewitness.vkey} ${litewitness.url}\nquorum lite\n`)
  const stack = await startStackProcess({
    dataDirectory: folder,
    environment: {
      SIGSTACK_WITNESS: 'own',
      WITNESS_MIRROR_NAME: names.mirror,
      LOG_KEY_PASSWORD: passphrase,
      LOG_ML_DSA_KEY: path.join(keys, 'ml-dsa.key.pem'),
      ...(litewitness !== undefined && { LOG_WITNESS_POLICY_FILE: policy }),
    },
  })
  const url = stack.endpoints.services['rekor-v2'] ?? ''
  const { origin, signatures } = await newestOf(url)
  // The log's own, and the one by ML-DSA-44.
  if (signatures.length < 2) throw new Error('the head has no line by ML-DSA-44')
  return { folder, url, origin, vkey: vkeyOf(origin, publicKey), stop: stack.stop }
}

function vkeyOf(name: string, publicKey: KeyObject): string {
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  return encodeNoteKey(noteKeyOf(name, parsePublicKey(spki), 'log'))
}

async function newestOf(url: string): Promise<Checkpoint> {
  return parseCheckpoint(await (await fetch(`${url}/checkpoint`)).text())
}

/** URL and key of the witness of the stack. */
async function ownWitness({ folder }: WitnessedStack): Promise<readonly [url: string, vkey: string]> {
  const [, , vkey = '', url = ''] = (await readFile(ownPolicy(folder), 'utf8')).split(/\s/)
  return [url, vkey]
}

const ownPolicy = (folder: string) => path.join(folder, 'witness', 'policy')

/** The other one takes the first head, and then each proof that the next extends it. */
async function cosignedByOthers(
  { url, origin, vkey }: WitnessedStack,
  { introduce, seen }: Litewitness,
): Promise<void> {
  await introduce(origin, vkey)
  for (const count of [1, 3, 40]) {
    await growRekorV2(url, count)
    const { treeHead } = await newestOf(url)
    await until(`size ${treeHead.size} is cosigned`, () => isCosigned(url, treeHead.size))
    const told = await seen(origin)
    if (told?.size !== treeHead.size || told.root !== toBase64(treeHead.rootHash))
      throw new InteropError('failed', `it has cosigned another tree: ${JSON.stringify(told?.root)}`)
  }
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + patienceMs
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new InteropError('failed', `not within ${patienceMs} ms: ${what}`)
    await sleep(100)
  }
}

async function isCosigned(url: string, size: bigint): Promise<boolean> {
  const { treeHead, signatures } = await newestOf(url)
  return treeHead.size === size && signatures.some(({ name }) => name === names.litewitness)
}

/** Its status is 0 whatever it finds: only its words tell. By another key it has to find fault. */
async function demandSound(run: Run, fsck: string, stack: WitnessedStack, url: string): Promise<void> {
  const check = async (vkey: string) => {
    const key = path.join(stack.folder, 'log.vkey')
    await writeFile(key, vkey)
    return (await run(fsck, ['--storage_url', url, '--public_key', key, '--ui=false', '-v=1'])).stderr
  }
  const said = await check(stack.vkey)
  if (said.includes('fsck failed') || !said.includes('Completed ranges'))
    throw new InteropError('failed', said.slice(-500))
  const wrong = vkeyOf(stack.origin, generateKeyPairSync('ed25519').publicKey)
  if (!(await check(wrong)).includes('fsck failed'))
    throw new InteropError('accepted', 'it finds no fault with the key of another log')
}

/** The log of Tessera shows its heads to ours by itself, and publishes none that ours has not cosigned. */
async function cosignsOthers(
  run: Run,
  oneshot: string,
  stack: WitnessedStack,
  folder: string,
): Promise<void> {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const vkey = vkeyOf(names.tessera, publicKey)
  const seed = privateKey.export({ type: 'pkcs8', format: 'der' }).subarray(-32)
  const id = vkey.split('+')[1]
  const key = path.join(folder, 'tessera.key')
  await writeFile(key, `PRIVATE+KEY+${names.tessera}+${id}+${toBase64(Buffer.concat([Buffer.of(1), seed]))}`)
  await appendFile(path.join(stack.folder, 'witness', 'logs'), `\nvkey ${vkey}\n`)
  const [witness] = await ownWitness(stack)
  await until('our witness knows the log', async () => {
    // Known or not is looked at before who has signed.
    const body = `old 0\n\n${names.tessera}\n1\n${toBase64(Buffer.alloc(32))}\n\n— ${names.tessera} AAAAAAAA\n`
    return (await fetch(`${witness}/add-checkpoint`, { method: 'POST', body })).status !== 404
  })
  const seen = `${witness}/${hashOf(names.tessera)}/checkpoint`
  const append = async (storage: string, words: readonly string[], more: readonly string[]) => {
    const entries = await mkdtemp(path.join(folder, 'entries-'))
    for (const word of words) await writeFile(path.join(entries, word), word)
    await run(
      oneshot,
      ['--storage_dir', storage, '--private_key', key, '--entries', path.join(entries, '*'), ...more],
      { timeoutMs: 30_000 },
    )
    return parseCheckpoint(await readFile(path.join(storage, 'checkpoint'), 'utf8'))
  }
  const cosigned = ['--witness_policy_file', ownPolicy(stack.folder)]
  const log = path.join(folder, 'tessera')
  await append(log, ['first'], cosigned)
  const { text } = await append(log, ['second', 'third', 'fourth'], cosigned)
  const fork = path.join(folder, 'tessera-fork')
  await append(fork, ['another', 'history', 'of', 'that', 'name'], [])
  const answer = await append(fork, ['more'], cosigned).catch((error: unknown) => error)
  if (!(answer instanceof InteropError))
    throw new InteropError('accepted', 'our witness has signed a second history')
  const newest = parseCheckpoint(await (await fetch(seen)).text())
  if (newest.text !== text) throw new InteropError('failed', `it has cosigned ${JSON.stringify(newest.text)}`)
}

/** Of an origin, in the paths of witnesses and mirrors. */
function hashOf(origin: string): string {
  return createHash('sha256').update(origin).digest('hex')
}

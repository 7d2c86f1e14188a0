/**
 * The tool as people start it: whole processes, from spawning to their end, ours and cosign's in turns, so that what the machine does
 * meanwhile falls on both. Everything is on loopback: the stack of the bench, and a registry in memory.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createRegistryClient, type Digest, digestOf, encodeManifest, mediaTypes } from '@sigstack/oci'
import { InteropError } from '../../support/interop-error.ts'
import { median } from '../../support/median.ts'
import { registryKinds } from '../../support/registries.ts'
import { runToEnd } from '../../support/run-command.ts'
import { trialToken } from '../../support/stack-process.ts'
import { openUserWorkshop } from '../../support/workshop.ts'
import { type Bench, email } from '../bench-context.ts'

export type ToolOptions = {
  /** A built program; the sources where it is not given. */
  readonly program: string | undefined
  readonly rounds: number
}

/** Processor time is that of the process and its children, on a busy machine too. */
type Cost = { readonly ms: number; readonly processorMs: number }

type Run = (words: readonly string[]) => Promise<Cost>

const sources = new URL('../../../packages/cli/src/main.ts', import.meta.url).pathname
const images = 100

export async function benchTool(bench: Bench, { program = sources, rounds }: ToolOptions): Promise<void> {
  const { report } = bench
  const { endpoints } = bench.stack()
  await using closing = new AsyncDisposableStack()
  const folder = await mkdtemp(path.join(tmpdir(), 'sigstack-bench-tool-'))
  closing.defer(() => rm(folder, { recursive: true, force: true }))
  const workshop = await openUserWorkshop((message) => report.say(`  ${message}`))
  const [kind] = registryKinds
  const registry = await kind?.start(workshop, path.join(folder, 'registry'))
  if (registry === undefined) throw new Error('there is no registry')
  closing.defer(() => registry.stop())

  const ours = runnerOf(/\.[cm]?[jt]s$/.test(program) ? [process.execPath, program] : [program], folder)
  const cosign = await cosignOf(workshop, folder)
  report.say(`\ntool        ${path.basename(program)}, whole processes, ${rounds} rounds in turns; medians`)

  /** `words` are called anew for each run. */
  const compare = async (name: string, words: () => Promise<readonly string[]>, other = words) => {
    const costs: { ours: Cost[]; cosign: Cost[] } = { ours: [], cosign: [] }
    // The first of each warms what the system keeps of files.
    for (let round = -1; round < rounds; round++) {
      const mine = await ours(await words())
      const theirs = await cosign?.(await other())
      if (round < 0) continue
      costs.ours.push(mine)
      if (theirs !== undefined) costs.cosign.push(theirs)
    }
    const middle = (of: readonly Cost[]): Cost => ({
      ms: median(of.map(({ ms }) => ms)),
      processorMs: median(of.map(({ processorMs }) => processorMs)),
    })
    const [mine, theirs] = [middle(costs.ours), middle(costs.cosign)]
    const ratioOf = (what: keyof Cost): number =>
      median(costs.cosign.map((each, at) => (costs.ours[at]?.[what] ?? Number.NaN) / each[what]))
    const ratios = { ms: ratioOf('ms'), processorMs: ratioOf('processorMs') }
    const told = (cost: Cost): string =>
      `${cost.ms.toFixed(0).padStart(6)} ms (${cost.processorMs.toFixed(0).padStart(5)} of processor)`
    const beside = `   cosign ${told(theirs)}   ratio ${ratios.ms.toFixed(2)} (${ratios.processorMs.toFixed(2)})`
    report.say(`  ${name.padEnd(34)} ${told(mine)}${cosign === undefined ? '' : beside}`)
    report.keep({ kind: 'tool', name, program: path.basename(program), ours: mine, cosign: theirs, ratios })
  }

  const { trustedRoot = '', signingConfig = '' } = endpoints.files
  const file = path.join(folder, 'file')
  await writeFile(file, 'what is signed\n')
  const trust = ['--trusted-root', trustedRoot]
  const signingFlags = ['--signing-config', signingConfig, ...trust, '-y']
  const keyless = async () => ['--identity-token', await trialToken(endpoints, email), ...signingFlags]
  const who = [...trust, '--certificate-identity', email, '--certificate-oidc-issuer', endpoints.issuer]
  const repository = `${registry.host}/bench`

  await compare(
    'start (--version; cosign version)',
    async () => ['--version'],
    async () => ['version'],
  )
  const bundle = path.join(folder, 'bundle.json')
  await compare('sign-blob, keyless', async () => [
    'sign-blob',
    ...(await keyless()),
    '--bundle',
    bundle,
    file,
  ])
  await compare('verify-blob', async () => ['verify-blob', ...who, '--bundle', bundle, file])

  let fresh = 0
  const pushed = async () => `${repository}@${await pushImage(registry.host, `image ${fresh++}`)}`
  await compare('sign an image, keyless', async () => ['sign', ...(await keyless()), await pushed()])
  const signed: string[] = []
  for (let at = 0; at < images; at++) signed.push(await pushed())
  await ours(['sign', ...(await keyless()), ...signed])
  await compare('verify an image', async () => ['verify', ...who, ...signed.slice(0, 1)])
  await compare(`verify ${images} images in one call`, async () => ['verify', ...who, ...signed])
}

/** bash tells what a command cost in the last line of standard error. */
const timed = ['-c', 'TIMEFORMAT="%3U %3S"; time "$@"', 'bash']

function runnerOf(command: readonly string[], folder: string): Run {
  return async (words) => {
    const began = performance.now()
    const { status, stderr } = await runToEnd('bash', [...timed, ...command, ...words], {
      folder,
      environment: { PATH: process.env['PATH'] ?? '', HOME: folder, COSIGN_PASSWORD: '' },
      timeoutMs: 300_000,
    })
    const ms = performance.now() - began
    const name = path.basename(command.at(-1) ?? '')
    if (status !== 0) throw new Error(`${name} ${words[0]}: ${stderr.slice(-500)}`)
    const seconds = stderr.trimEnd().split('\n').at(-1)?.split(' ').map(Number) ?? []
    return { ms, processorMs: seconds.reduce((sum, each) => sum + each, 0) * 1000 }
  }
}

/** Undefined where the machine cannot have it: then ours is measured alone. */
async function cosignOf(
  { goInstall, versionOf }: Awaited<ReturnType<typeof openUserWorkshop>>,
  folder: string,
): Promise<Run | undefined> {
  const name = 'cosign-v3'
  try {
    const module = 'github.com/sigstore/cosign/v3/cmd/cosign'
    return runnerOf([await goInstall({ name, module, version: versionOf(name, 'v3.1.3') })], folder)
  } catch (error) {
    if (!(error instanceof InteropError && error.code === 'missing')) throw error
    return undefined
  }
}

async function pushImage(host: string, words: string): Promise<Digest> {
  const repository = createRegistryClient().repository({ registry: host, repository: 'bench' })
  const push = async (mediaType: string, text: string) => {
    const bytes = Buffer.from(text)
    const descriptor = { mediaType, size: bytes.length, digest: digestOf(bytes) }
    await repository.pushBlob(descriptor, () => bytes)
    return descriptor
  }
  const config = await push(mediaTypes.ociConfig, '{}')
  const layer = await push('application/vnd.oci.image.layer.v1.tar', words)
  const manifest = encodeManifest({ config, layers: [layer] })
  return (await repository.pushManifest(manifest, mediaTypes.ociManifest)).digest
}

/**
 * `npm run interop`: starts the stack in a temporary folder and lets clients that we did not write sign and verify against it, each
 * what all others signed. Ends with status 1 when something that ran failed; a client that the machine cannot have is named as missing.
 *
 *   --write            put the result into docs/interop.md
 *   --only NAMES       these clients, separated by commas
 *   --require-all      a missing client is a failure too
 *   --keep             leave the temporary folder
 *   --slow-builds      build what takes minutes too: sigstore-rs. Once built it is used without being asked for
 *   --registries       the registries alone: no stack, no matrix. They follow the matrix where --only names no clients
 *   --witnesses        witnesses and mirrors alone. They follow the registries where --only names no clients
 *   --ml-dsa           the logs sign their heads with ML-DSA-44 too
 *   --without-ct-log   in place of the matrix: what each client makes of a stack that has no CT log
 *   --images           in place of the matrix: images in registries, signed and verified by cosign and by our tool;
 *                      then, where --only names no clients, policies by the engines that enforce them
 *   --policies         those policies alone
 *   --engines NAMES    these engines, separated by commas
 *
 * Clients are cached in SIGSTACK_INTEROP_CACHE; SIGSTACK_INTEROP_<CLIENT>_VERSION names another version than the pinned one.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type EgressGuard, startEgressGuard } from '../support/egress-guard.ts'
import { InteropError } from '../support/interop-error.ts'
import { createRun, type Run } from '../support/run-command.ts'
import { startStackProcess, trialToken } from '../support/stack-process.ts'
import { openUserWorkshop } from '../support/workshop.ts'
import { allClients } from './clients/index.ts'
import { writeIntoPage } from './documentation.ts'
import { runImages } from './images/image-matrix.ts'
import { runPolicies } from './images/policy-matrix.ts'
import { type Installed, type MatrixOptions, runMatrix } from './matrix.ts'
import { runRegistryRounds } from './registry-rounds.ts'
import { failuresIn, toText } from './report.ts'
import { type ForeignPart, publishedTrust, writeForeignTrust } from './trust-material.ts'
import { runWithoutCtLog } from './without-ct-log.ts'
import { runWitnessRounds } from './witness-rounds.ts'

const page = fileURLToPath(new URL('../../docs/interop.md', import.meta.url))

const { values } = parseArgs({
  options: {
    write: { type: 'boolean', default: false },
    only: { type: 'string' },
    'require-all': { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    'slow-builds': { type: 'boolean', default: false },
    'without-ct-log': { type: 'boolean', default: false },
    registries: { type: 'boolean', default: false },
    witnesses: { type: 'boolean', default: false },
    'ml-dsa': { type: 'boolean', default: false },
    images: { type: 'boolean', default: false },
    policies: { type: 'boolean', default: false },
    engines: { type: 'string' },
  },
})
const onProgress = (message: string): void => void process.stderr.write(`interop: ${message}\n`)

const wanted = values.only?.split(',').map((name) => name.trim())
const unknown = wanted?.filter((name) => !allClients.some((client) => client.name === name)) ?? []
if (unknown.length > 0) {
  throw new Error(
    `no such client: ${unknown.join(', ')}; there are ${allClients.map(({ name }) => name).join(', ')}`,
  )
}

const workshop = await openUserWorkshop(onProgress, { slowBuilds: values['slow-builds'] })
const isWhole =
  wanted === undefined && !values['without-ct-log'] && !values.images && !values.policies && !values['ml-dsa']
const isPart = values.registries || values.witnesses
const besideAreGood = [
  ...(values.registries || (isWhole && !isPart) ? [await runBeside('registries', runRegistryRounds)] : []),
  ...(values.witnesses || (isWhole && !isPart) ? [await runBeside('witnesses', runWitnessRounds)] : []),
].every((isGood) => isGood)
if (isPart) process.exit(besideAreGood ? 0 : 1)

const clients: Installed[] = []
const missing: { name: string; reason: string }[] = []
for (const client of values.images || values.policies
  ? []
  : allClients.filter(({ name }) => wanted?.includes(name) ?? true)) {
  try {
    clients.push({ client, installed: await client.install(workshop) })
  } catch (error) {
    if (!(error instanceof InteropError && error.code === 'missing')) throw error
    onProgress(`${client.name} is missing: ${error.message}`)
    missing.push({ name: client.name, reason: error.message })
  }
}

const folder = await mkdtemp(path.join(tmpdir(), 'sigstack-interop-'))
const guard = await startEgressGuard()
onProgress('starting the stack')
const stack = await startStackProcess({
  dataDirectory: path.join(folder, 'data'),
  environment: {
    ...(values['without-ct-log'] && { SIGSTACK_CT_LOG: 'none' }),
    ...(values['ml-dsa'] && { LOG_ML_DSA_KEY: path.join(folder, 'ml-dsa.key.pem') }),
  },
})
try {
  const { endpoints } = stack
  const trust = publishedTrust(endpoints)
  const identity = { email: 'interop@example.org', issuer: endpoints.issuer }
  const files = path.join(folder, 'files')
  await mkdir(files)
  const common = {
    clients,
    endpoints,
    trust,
    identity,
    folder: files,
    runIn: runUnder(guard),
    token: () => trialToken(endpoints, identity.email),
    onProgress,
  }
  const say = (line: string): void => void process.stdout.write(`${line}\n`)
  const isGood = values['without-ct-log']
    ? await runWithoutCtLog(common, say)
    : values.images || values.policies
      ? await runImagesAndPolicies({ ...common, workshop }, say)
      : await runWholeMatrix(common, folder)
  process.exitCode = isGood && besideAreGood && !(values['require-all'] && missing.length > 0) ? 0 : 1
} finally {
  await stack.stop()
  await guard.stop()
  if (values.keep) onProgress(`everything is left in ${folder}`)
  else await rm(folder, { recursive: true, force: true })
}

async function runImagesAndPolicies(
  options: Omit<Parameters<typeof runImages>[0], 'only'>,
  say: (line: string) => void,
): Promise<boolean> {
  const imagesAreGood = values.images ? await runImages({ ...options, only: wanted }, say) : true
  return (
    (wanted === undefined
      ? await runPolicies({ ...options, engines: values.engines?.split(',') }, say)
      : true) && imagesAreGood
  )
}

/** A home of its own, nothing of our environment but the PATH, and no way out of this machine. */
function runUnder(guard: EgressGuard): (home: string) => Run {
  return (home) =>
    createRun({
      environment: {
        PATH: process.env.PATH ?? '',
        HOME: home,
        LANG: 'C.UTF-8',
        COLUMNS: '1000',
        ...guard.environment,
      },
      folder: home,
      guard,
    })
}

/** What needs no stack of the matrix. */
async function runBeside(
  name: string,
  rounds: typeof runRegistryRounds | typeof runWitnessRounds,
): Promise<boolean> {
  const folder = await mkdtemp(path.join(tmpdir(), `sigstack-${name}-`))
  const guard = await startEgressGuard()
  try {
    const options = { workshop, folder, runIn: runUnder(guard), onProgress }
    return await rounds(options, (line) => void process.stdout.write(`${line}\n`))
  } finally {
    await guard.stop()
    if (values.keep) onProgress(`what the ${name} had is left in ${folder}`)
    else await rm(folder, { recursive: true, force: true })
  }
}

async function runWholeMatrix(common: Omit<MatrixOptions, 'foreignTrust'>, folder: string): Promise<boolean> {
  const foreignTrust = (part: ForeignPart) =>
    writeForeignTrust(common.trust, part, path.join(folder, 'foreign-trust', part.replace(' ', '-')))
  const start = performance.now()
  const matrix = await runMatrix({
    ...common,
    foreignTrust: {
      log: await foreignTrust('log'),
      'certificate log': await foreignTrust('certificate log'),
      CA: await foreignTrust('CA'),
    },
  })
  onProgress(`everything was tried in ${Math.round((performance.now() - start) / 1000)} s`)
  const report = {
    date: new Date(),
    matrix,
    missing,
    platform: `${process.platform} ${process.arch}, Node ${process.versions.node}`,
  }
  process.stdout.write(toText(report))
  if (values.write) await writeIntoPage(page, report)
  return failuresIn(matrix).length === 0
}

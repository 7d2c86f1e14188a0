import { dirname, join } from 'node:path'
import {
  type Engine,
  type Exported,
  engines,
  exportPolicy,
  needsTrust,
  writtenBy,
} from '@sigstack/image-policy'
import { version } from '@sigstack/server/version'
import type { Service } from '@sigstack/trust-root'
import { type Command, Option } from 'commander'
import { dataFolder, readEndpoints } from '../../endpoints.ts'
import { CliError, ExitWith } from '../../errors.ts'
import { makeOutputFolder, readTextInput, writeOutput } from '../../files.ts'
import { readPolicyFile, telling, trustOfPolicy } from '../../images/policy-file.ts'
import type { Io } from '../../io.ts'
import { readBytes, readLocation } from '../../location.ts'
import { profileOption } from '../../profiles/profile-option.ts'
import { chosenProfile } from '../../trust-source.ts'

type Options = {
  readonly for: Engine
  readonly trustedRoot?: string
  readonly tufMirror?: string
  readonly tufRoot?: string
  readonly engineVersion?: string
  readonly providerUrl?: string
  readonly providerCa?: string
  readonly program?: string
  readonly out?: string
  readonly check?: string
  readonly profile?: string
  readonly data?: string
}

type RekorService = Pick<Service, 'url' | 'majorApiVersion'>

export function addPolicyExport(policy: Command, io: Io): void {
  policy
    .command('export')
    .summary('print a policy in the words of an engine')
    .description(
      'Prints the policy for an engine, with the trust of the instance inside. What the engine cannot say is refused with a sentence; nothing is dropped.',
    )
    .argument('<policy>', 'file of the policy; - is standard input')
    .addOption(new Option('--for <engine>', 'who enforces it').choices(engines).makeOptionMandatory())
    .option(
      '--trusted-root <location>',
      'file or URL of the trusted root (default: in the policy, else of the profile in use, else of the stack on the data folder)',
    )
    .option(
      '--tuf-mirror <url>',
      'TUF repository of the instance, as engines reach it (default: of the profile or stack)',
    )
    .option('--tuf-root <location>', 'file or URL of its root (default: of the profile or stack)')
    .option('--engine-version <version>', 'the oldest version of the engine that will read it, such as 1.13')
    .option('--provider-url <url>', 'who answers Gatekeeper')
    .option('--provider-ca <file>', 'certificates of its authority, in PEM')
    .option('--program <path>', 'where this tool is on the machines that run containers')
    .option('--out <folder>', 'write all files there')
    .option('--check <file>', 'compare with what was exported before; the status is 1 where it has changed')
    .option(...profileOption)
    .option('--data <folder>', 'data folder of the stack (default: SIGSTACK_DATA, else ./.sigstack)')
    .action((file: string, options: Options) => exportFor(io, file, options))
}

async function exportFor(io: Io, file: string, options: Options): Promise<void> {
  const policy = await readPolicyFile(io, file)
  const trust = needsTrust(policy) ? await trustOfPolicy(io, policy, options) : undefined
  const { program, providerUrl, providerCa } = options
  const context = {
    toolVersion: version,
    trust,
    tuf: await tufOf(io, options),
    rekorServices: trust === undefined ? [] : await rekorServicesOf(io, options),
    engineVersion: versionOf(options.engineVersion),
    program,
    ...(providerUrl !== undefined &&
      providerCa !== undefined && {
        provider: { url: providerUrl, caPem: await readLocation(providerCa, 'certificates of the provider') },
      }),
  }
  const exported = telling(file, () => exportPolicy(options.for, policy, context))
  if (options.check !== undefined) return check(io, options.check, exported)
  for (const note of exported.notes) io.err(`${note}\n`)
  if (options.out !== undefined) return writeAll(io, options.out, exported)
  const [first, ...others] = exported.files
  if (first !== undefined) io.file(first.text)
  for (const { name, text } of others) io.err(`\n${name}, which --out FOLDER writes too:\n${text}`)
}

async function check(io: Io, path: string, { files }: Exported): Promise<void> {
  const known = withoutTool(await readTextInput(io, path, 'exported policy'))
  if (files.some(({ text }) => withoutTool(text) === known)) return
  io.err(`${path} is not what the policy and the trust come to now; export it again\n`)
  throw new ExitWith(1)
}

function withoutTool(text: string): string {
  return text
    .split('\n')
    .filter((line) => !line.startsWith(writtenBy))
    .join('\n')
}

async function writeAll(io: Io, folder: string, { files }: Exported): Promise<void> {
  for (const { name, text, isProgram } of files) {
    const path = join(folder, name)
    await makeOutputFolder(dirname(path))
    await writeOutput(io, path, text, [], isProgram === true ? 0o755 : 0o644)
    io.err(`Wrote ${path}\n`)
  }
}

/** Undefined where nobody names one and no instance is known: most engines need none. */
async function tufOf(io: Io, options: Options) {
  const { tufMirror, tufRoot } = options
  const isNamed = tufMirror !== undefined && tufRoot !== undefined
  const published = isNamed ? undefined : await publishedTuf(io, options)
  const mirror = tufMirror ?? published?.mirror
  const root =
    tufRoot === undefined ? published?.root : await readBytes(tufRoot, 'root of the TUF repository')
  return mirror === undefined || root === undefined ? undefined : { mirror, root }
}

/** As the instance tells of them; none where none is known. */
async function rekorServicesOf(io: Io, options: Options): Promise<readonly RekorService[]> {
  const profile = await chosenProfile(io, options)
  if (profile !== undefined)
    return profile.instances.flatMap(({ signingConfig }) => signingConfig?.rekorTlogUrls ?? [])
  try {
    const { services, public: others } = await readEndpoints(dataFolder(io, options.data))
    const at = (name: string, majorApiVersion: number) =>
      [services[name], others?.[name]].flatMap((url) => (url === undefined ? [] : [{ url, majorApiVersion }]))
    return [...at('rekor', 1), ...at('rekor-v2', 2)]
  } catch (error) {
    if (error instanceof CliError && error.code === 'not_running') return []
    throw error
  }
}

async function publishedTuf(io: Io, options: Options) {
  if (options.trustedRoot !== undefined) return undefined
  const profile = await chosenProfile(io, options)
  if (profile !== undefined) return profile.instances[0].tuf
  try {
    const { services, public: others } = await readEndpoints(dataFolder(io, options.data))
    const inside = services['trust']
    const mirror = `${others?.['trust'] ?? inside}/tuf`
    if (inside === undefined) return undefined
    return { mirror, root: await readBytes(`${inside}/tuf/root.json`, 'root of the TUF repository') }
  } catch (error) {
    if (error instanceof CliError && error.code === 'not_running') return undefined
    throw error
  }
}

function versionOf(text: string | undefined): readonly [number, number] | undefined {
  if (text === undefined) return undefined
  const [, major, minor] = /^v?(\d{1,4})\.(\d{1,4})(?:\.\d{1,4})?$/.exec(text) ?? []
  if (major === undefined || minor === undefined)
    throw new CliError('bad_usage', '--engine-version is written like 1.13')
  return [Number(major), Number(minor)]
}

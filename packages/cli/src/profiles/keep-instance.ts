/** What becomes of the trust that was fetched: it is shown, agreed to, and kept under a name. */
import { quoted, sha256Hex } from '@sigstack/crypto'
import { CliError } from '../errors.ts'
import { type Io, setting } from '../io.ts'
import { describeServices } from '../presentation/describe-services.ts'
import { describeTrust } from '../presentation/describe-trust.ts'
import { demandConsent } from '../questions.ts'
import type { Instance, Profile } from './profile.ts'
import { findProfile, useProfile, writeProfile } from './store.ts'

export const defaultName = 'default'

export type KeepOptions = {
  readonly profile?: string
  readonly merge?: boolean
  readonly replace?: boolean
  readonly yes?: boolean
  readonly json?: boolean
}

/** Nothing is fetched for a place where it could not be kept. */
export async function demandPlace(io: Io, from: string, options: KeepOptions): Promise<Profile | undefined> {
  const name = options.profile ?? defaultName
  const there = await findProfile(io, name)
  if (options.merge === true && options.replace === true)
    throw new CliError('bad_usage', '--merge and --replace contradict each other')
  const isOther = there !== undefined && there.instances.every((each) => each.from !== from)
  if (isOther && options.merge !== true && options.replace !== true)
    throw new CliError('bad_usage', `the profile ${name} trusts ${fromOf(there)}, and not ${from}`, {
      advice: 'Add --merge to trust both, --replace to trust this alone, or --profile with another name.',
    })
  return there
}

const fromOf = ({ instances }: Profile): string => instances.map(({ from }) => from).join(' and ')

/** Asks unless `isAgreed`. */
export async function keepInstance(
  io: Io,
  instance: Instance,
  there: Profile | undefined,
  options: KeepOptions & { readonly isAgreed: boolean; readonly isQuiet?: boolean },
): Promise<void> {
  const name = options.profile ?? defaultName
  if (options.isQuiet !== true) tellInstance(io, instance)
  if (!options.isAgreed)
    await demandConsent(
      io,
      'whatever these keys vouch for will be accepted; compare them with what the operators of the instance tell you.',
      options.yes === true,
    )
  const file = await writeProfile(io, joined(name, instance, there, options))
  await useProfile(io, name)
  if (options.json === true)
    io.out(
      `${JSON.stringify({ profile: name, from: instance.from, trustedRootSha256: digestOf(instance), file })}\n`,
    )
  else io.err(`Kept as the profile ${name}, which is in use from now on: ${file}\n`)
  warnOfVariables(io, name)
}

/** What the surroundings name comes before the profile in use, and would be taken without a word. */
export function warnOfVariables(io: Io, name: string): void {
  const named = setting(io, 'SIGSTACK_PROFILE')
  const folder = setting(io, 'SIGSTACK_DATA')
  const instead =
    named !== undefined
      ? named !== name && `SIGSTACK_PROFILE is set, so the profile ${quoted(named, 80)}`
      : folder !== undefined && `SIGSTACK_DATA is set, so the stack on ${quoted(folder, 200)}`
  if (instead)
    io.err(`WARNING: ${instead} is still taken here; unset that variable, or add --profile ${name}.\n`)
}

function joined(name: string, instance: Instance, there: Profile | undefined, options: KeepOptions): Profile {
  if (there === undefined || options.replace === true) return { name, instances: [instance] }
  const [first, ...more] = there.instances.map((each) => (each.from === instance.from ? instance : each))
  if (first !== undefined && [first, ...more].includes(instance)) return { name, instances: [first, ...more] }
  return { name, instances: [instance, ...there.instances] }
}

export function tellInstance(io: Io, instance: Instance): void {
  const { trustedRoot, signingConfig, tuf } = instance
  io.err(`${describeTrust(trustedRoot)}\n`)
  if (signingConfig !== undefined) io.err(`${describeServices(signingConfig)}\n`)
  if (tuf !== undefined) io.err(`TUF repository ${tuf.mirror}, valid until ${tuf.expires.toISOString()}\n`)
  io.err(`SHA-256 of the trusted root: ${digestOf(instance)}\n`)
}

export const digestOf = ({ texts }: Instance): string => sha256Hex(Buffer.from(texts.trustedRoot))

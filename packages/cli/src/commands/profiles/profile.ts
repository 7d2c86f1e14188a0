import type { Command } from 'commander'
import { CliError } from '../../errors.ts'
import { type Io, setting } from '../../io.ts'
import { fetchByTuf, fetchTrustConfig } from '../../profiles/fetch-instance.ts'
import { digestOf, tellInstance, warnOfVariables } from '../../profiles/keep-instance.ts'
import type { Instance, Profile } from '../../profiles/profile.ts'
import {
  currentName,
  profileFile,
  profileNames,
  readProfile,
  removeProfile,
  useProfile,
  writeProfile,
} from '../../profiles/store.ts'
import { demandConsent } from '../../questions.ts'

type Options = { readonly json?: boolean; readonly yes?: boolean }

export function addProfile(program: Command, io: Io): void {
  const profile = program
    .command('profile')
    .summary('show and choose the instances that are trusted')
    .description('Shows, chooses, renews and removes the profiles that init keeps.')
  profile
    .command('list')
    .summary('list the profiles')
    .description('Lists the profiles; a star stands before the one in use.')
    .option('--json', 'as JSON')
    .action((options: Options) => list(io, options))
  profile
    .command('use')
    .summary('sign and verify with a profile from now on')
    .description('Makes a profile the one in use. --profile and SIGSTACK_PROFILE choose for one command.')
    .argument('<name>', 'of the profile')
    .action(async (name: string) => {
      await useProfile(io, name)
      io.err(`The profile ${name} is in use from now on.\n`)
      warnOfVariables(io, name)
    })
  profile
    .command('show')
    .summary('say in words what a profile trusts')
    .description('Says in words what a profile trusts, and which services it signs with.')
    .argument('[name]', 'of the profile (default: the one in use)')
    .option('--json', 'as JSON')
    .action(async (name: string | undefined, options: Options) => show(io, await named(io, name), options))
  profile
    .command('refresh')
    .summary('fetch anew what a profile trusts')
    .description(
      'Fetches anew what a profile trusts. What a TUF repository vouches for is taken; for anything else that has changed you are asked again.',
    )
    .argument('[name]', 'of the profile (default: the one in use)')
    .option('-y, --yes', 'ask nothing: the keys were compared')
    .action(async (name: string | undefined, options: Options) => refresh(io, await named(io, name), options))
  profile
    .command('remove')
    .summary('forget a profile')
    .description('Removes a profile, and with it the trust that it holds.')
    .argument('<name>', 'of the profile')
    .action(async (name: string) => {
      await removeProfile(io, name)
      io.err(`Removed the profile ${name}.\n`)
    })
}

async function named(io: Io, name: string | undefined): Promise<Profile> {
  const chosen = name ?? setting(io, 'SIGSTACK_PROFILE') ?? (await currentName(io))
  if (chosen !== undefined) return readProfile(io, chosen)
  throw new CliError('bad_usage', 'no profile is in use', {
    advice: 'sigstack init URL makes one; sigstack profile list tells which there are.',
  })
}

async function list(io: Io, options: Options): Promise<void> {
  const current = await currentName(io)
  const found: object[] = []
  for (const name of await profileNames(io)) {
    const { instances } = await readProfile(io, name)
    const from = instances.map((each) => each.from)
    found.push({ name, from, inUse: name === current })
    if (options.json !== true) io.out(`${name === current ? '*' : ' '} ${name}  ${from.join(', ')}\n`)
  }
  if (options.json === true) io.out(`${JSON.stringify(found)}\n`)
  else if (found.length === 0) io.err('There are no profiles; sigstack init URL makes one.\n')
}

function show(io: Io, { name, instances }: Profile, options: Options): void {
  if (options.json === true) {
    const told = instances.map(({ from, fetchedAt, tuf, texts, ...rest }) => ({
      from,
      fetchedAt: fetchedAt.toISOString(),
      trustedRootSha256: digestOf({ from, fetchedAt, texts, ...rest }),
      mirror: tuf?.mirror,
      expires: tuf?.expires.toISOString(),
      trustedRoot: JSON.parse(texts.trustedRoot),
      signingConfig: texts.signingConfig && JSON.parse(texts.signingConfig),
    }))
    io.out(`${JSON.stringify({ name, file: profileFile(io, name), instances: told })}\n`)
    return
  }
  // The same words as before it was agreed to, as the result.
  const results = { ...io, err: io.out }
  for (const instance of instances) {
    io.out(`${name}: ${instance.from}, fetched at ${instance.fetchedAt.toISOString()}\n\n`)
    tellInstance(results, instance)
  }
}

async function refresh(io: Io, profile: Profile, options: Options): Promise<void> {
  const renewed: Instance[] = []
  for (const instance of profile.instances) renewed.push(await renew(io, instance, options))
  const [first, ...more] = renewed
  if (first === undefined) return
  await writeProfile(io, { name: profile.name, instances: [first, ...more] })
}

async function renew(io: Io, instance: Instance, options: Options): Promise<Instance> {
  const { from, texts, tuf } = instance
  const fetching = { now: new Date() }
  const fetched =
    tuf === undefined ? await fetchTrustConfig(from, fetching) : await fetchByTuf(from, tuf, fetching)
  const isSame =
    fetched.texts.trustedRoot === texts.trustedRoot && fetched.texts.signingConfig === texts.signingConfig
  if (isSame) {
    io.err(`${from}: nothing has changed.\n`)
    return fetched
  }
  tellInstance(io, fetched)
  if (tuf === undefined)
    await demandConsent(
      io,
      `what ${from} publishes has changed; compare the keys with what its operators tell you.`,
      options.yes === true,
    )
  io.err(`${from}: renewed.\n`)
  return fetched
}

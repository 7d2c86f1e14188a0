import type { SigningConfig } from '@sigstack/trust-root'
import type { Command } from 'commander'
import { checkRegistry } from '../doctor/check-registry.ts'
import { checkServices } from '../doctor/check-services.ts'
import { checkToken } from '../doctor/check-token.ts'
import { checkPieces, checkTrustedRoot } from '../doctor/check-trust.ts'
import { type Finding, failed, failedBy, ok, warning } from '../doctor/finding.ts'
import { CliError, ExitWith } from '../errors.ts'
import { addRegistryOptions, openRegistries, type RegistryOptions } from '../images/registry-options.ts'
import type { Io } from '../io.ts'
import { describeFindings } from '../presentation/describe-findings.ts'
import type { Profile } from '../profiles/profile.ts'
import { profileOption } from '../profiles/profile-option.ts'
import { chosenProfile, readTrustConfig, readTrustedRoot, type TrustOptions } from '../trust-source.ts'

type Options = RegistryOptions &
  Pick<TrustOptions, 'data' | 'profile'> & { readonly push?: boolean; readonly json?: boolean }

export function addDoctor(program: Command, io: Io): void {
  const command = program
    .command('doctor')
    .summary('find out why signing or verifying does not work here')
    .description(
      'Looks at what signing and verifying need: trust, services, proxy, TLS, clock, token, and where a repository or image is named, what its registry allows; says what to do. There it pushes a small artifact and deletes it. Ends with status 0 where nothing failed, else with 1.',
    )
    .argument('[reference]', 'an image or a repository')
    .option('--no-push', 'write nothing to the registry')
    .option(...profileOption)
    .option('--data <folder>', 'data folder of the running stack (default: SIGSTACK_DATA, else ./.sigstack)')
    .option('--json', 'tell the findings as JSON on standard output')
  addRegistryOptions(command).action((reference: string | undefined, options: Options) =>
    doctor(io, reference, options),
  )
}

async function doctor(io: Io, reference: string | undefined, options: Options): Promise<void> {
  const { findings: trust, config } = await checkTrust(io, options, new Date())
  const findings = [
    ...trust,
    ...(await checkServices(io, config)),
    ...(await checkToken(io, config)),
    ...(reference === undefined ? [] : await checkPlace(io, reference, options)),
  ]
  const isWell = findings.every(({ status }) => status !== 'failed')
  io.out(options.json === true ? `${JSON.stringify({ ok: isWell, findings })}\n` : describeFindings(findings))
  // All is said by then; the status is for scripts.
  if (!isWell) throw new ExitWith(1)
}

async function checkPlace(io: Io, reference: string, options: Options): Promise<readonly Finding[]> {
  try {
    return await checkRegistry(io, await openRegistries(io, options), reference, options.push !== false)
  } catch (error) {
    return [failedBy('registry', 'the registry', error)]
  }
}

async function checkTrust(
  io: Io,
  options: Options,
  now: Date,
): Promise<{ readonly findings: readonly Finding[]; readonly config: SigningConfig | undefined }> {
  try {
    const profile = await chosenProfile(io, options)
    const { trustedRoot } = await readTrustedRoot(io, options)
    const source =
      profile === undefined ? [ok('trust', 'that of the stack on the data folder')] : ofProfile(profile, now)
    const findings = [...source, ...checkTrustedRoot(trustedRoot, now)]
    try {
      const { signingConfig } = await readTrustConfig(io, options)
      return {
        findings: [...findings, ...checkPieces(trustedRoot, signingConfig, now)],
        config: signingConfig,
      }
    } catch (error) {
      const none = failedBy('trust', 'the services to sign with', error)
      return { findings: [...findings, { ...none, status: 'warning' }], config: undefined }
    }
  } catch (error) {
    const isNone = error instanceof CliError && error.code === 'not_running'
    const none = 'no instance is trusted here, and no stack runs on the data folder'
    const advice = 'sigstack init URL trusts one; what was signed with a key needs none.'
    const finding = isNone ? failed('trust', none, advice) : failedBy('trust', 'the trust', error)
    return { findings: [finding], config: undefined }
  }
}

function ofProfile({ name, instances }: Profile, now: Date): readonly Finding[] {
  return instances.map(({ from, fetchedAt, tuf }) =>
    tuf !== undefined && tuf.expires < now
      ? warning(
          'trust',
          `the profile ${name}, from ${from}: its TUF repository was valid until ${tuf.expires.toISOString()}`,
          `sigstack profile refresh ${name}`,
        )
      : ok('trust', `the profile ${name}, from ${from}, fetched at ${fetchedAt.toISOString()}`),
  )
}

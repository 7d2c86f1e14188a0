import { reasonOf } from '@sigstack/crypto'
import { needsTrust } from '@sigstack/image-policy'
import { OciError } from '@sigstack/oci'
import type { Command } from 'commander'
import { ExitWith } from '../../errors.ts'
import { decide, type Ground, type TestedImage } from '../../images/decide.ts'
import { findImage } from '../../images/image.ts'
import { readPolicyFile, trustOfPolicy } from '../../images/policy-file.ts'
import { addRegistryOptions, openRegistries, type RegistryOptions } from '../../images/registry-options.ts'
import type { Io } from '../../io.ts'
import { describeVerdict } from '../../presentation/describe-verdict.ts'
import { profileOption } from '../../profiles/profile-option.ts'
import { trustsNobody } from '../../verifying/verifying-options.ts'

type Options = RegistryOptions & {
  readonly trustedRoot?: string
  readonly profile?: string
  readonly data?: string
  readonly json?: boolean
}

export function addPolicyTest(policy: Command, io: Io): void {
  const command = policy
    .command('test')
    .summary('tell what a policy makes of images')
    .description(
      'Tells the verdict of each rule that covers an image, and what follows. Ends with status 0 where the policy lets all of them run, else with 1.',
    )
    .argument('<policy>', 'file of the policy; - is standard input')
    .argument('<image...>', 'images in registries')
    .option(
      '--trusted-root <location>',
      'file or URL of the trusted root (default: in the policy, else of the profile in use, else of the stack on the data folder)',
    )
    .option(...profileOption)
    .option('--data <folder>', 'data folder of the stack (default: SIGSTACK_DATA, else ./.sigstack)')
    .option('--json', 'tell the result as JSON on standard output')
  addRegistryOptions(command).action((file: string, images: readonly string[], options: Options) =>
    testPolicy(io, file, images, options),
  )
}

export async function testPolicy(
  io: Io,
  file: string,
  images: readonly string[],
  options: Options,
): Promise<void> {
  const policy = await readPolicyFile(io, file)
  const isTrusting = needsTrust(policy)
  const trustedRoot = isTrusting ? (await trustOfPolicy(io, policy, options)).trustedRoot : trustsNobody
  const ground: Ground = { trustedRoot, now: new Date() }
  const registries = await openRegistries(io, options)
  const tested: TestedImage[] = []
  for (const given of images) {
    const result = await testImage(given)
    tested.push(result)
    if (options.json !== true) io.out(describeVerdict(result, policy))
  }
  if (options.json === true) io.out(`${JSON.stringify(tested)}\n`)
  if (tested.some(({ verdict }) => verdict === 'refused' || verdict === 'unknown')) throw new ExitWith(1)

  async function testImage(given: string): Promise<TestedImage> {
    try {
      const image = await findImage(registries, given)
      return { image: given, digest: image.digest, ...(await decide(policy, image, ground)) }
    } catch (error) {
      if (!(error instanceof OciError)) throw error
      return { image: given, verdict: 'unknown', reason: reasonOf(error) }
    }
  }
}

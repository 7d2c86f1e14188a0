import { access } from 'node:fs/promises'
import { encodePublicKeyPem } from '@sigstack/crypto'
import {
  type ImagePolicy,
  type Rule,
  readImagePolicy,
  type Signer,
  signerOf,
  writeImagePolicy,
} from '@sigstack/image-policy'
import { predicateTypeUri } from '@sigstack/signing'
import { breadthOfConditions } from '@sigstack/verification'
import { type Command, Option } from 'commander'
import { collect } from '../../collect.ts'
import { dataFolder, readEndpoints } from '../../endpoints.ts'
import { CliError } from '../../errors.ts'
import { demandWritable, writeOutput } from '../../files.ts'
import { telling } from '../../images/policy-file.ts'
import type { Io } from '../../io.ts'
import { profileOption } from '../../profiles/profile-option.ts'
import { openQuestions } from '../../questions.ts'
import { chosenProfile, readTrustedRoot } from '../../trust-source.ts'

type Options = {
  readonly out: string
  readonly force?: boolean
  readonly name: string
  readonly rule: string
  readonly image?: readonly string[]
  readonly key?: readonly string[]
  readonly identity?: readonly string[]
  readonly identityPattern?: string
  readonly issuer?: string
  readonly sourceRepository?: string
  readonly buildSigner?: string
  readonly refPattern?: string
  readonly attestation?: readonly string[]
  readonly signatures: ImagePolicy['signatures']
  readonly mode: ImagePolicy['mode']
  readonly otherwise: ImagePolicy['otherwise']
  readonly log: boolean
  readonly withTrust?: boolean
  readonly trustedRoot?: string
  readonly profile?: string
  readonly data?: string
}

export function addPolicyInit(policy: Command, io: Io): void {
  policy
    .command('init')
    .summary('write a policy of images')
    .description('Writes a policy with one rule. What the options leave open is asked for.')
    .option('--out <file>', 'where the policy goes; - is standard output', 'policy.yaml')
    .option('--force', 'write over a file that is there')
    .option('--name <name>', 'of the policy', 'images')
    .option('--rule <name>', 'of its rule', 'signed')
    .option('--image <pattern>', 'repositories, such as registry.example/team/**; may be repeated', collect)
    .option('--identity <identity>', 'who must have signed; may be repeated', collect)
    .option('--identity-pattern <pattern>', 'who must have signed, as RE2 that covers the whole identity')
    .option('--issuer <url>', 'who must vouch for the identity (default: the issuer of the profile or stack)')
    .option('--source-repository <url>', 'the repository whose job must have signed')
    .option('--build-signer <url>', 'the workflow that must have signed, with its ref')
    .option('--ref-pattern <glob>', 'the ref that the job must have run on, such as refs/tags/*')
    .option(
      '--key <reference>',
      'the key that must have signed, in place of an identity; may be repeated',
      collect,
    )
    .option('--attestation <type>', 'what must be attested too; may be repeated', collect)
    .addOption(
      new Option('--signatures <forms>', 'the forms in which images are signed')
        .choices(['bundle', 'legacy', 'both'])
        .default('bundle'),
    )
    .addOption(
      new Option('--mode <mode>', 'what a refusal means').choices(['enforce', 'warn']).default('enforce'),
    )
    .addOption(
      new Option('--otherwise <verdict>', 'images that no rule covers')
        .choices(['allow', 'deny'])
        .default('allow'),
    )
    .option('--no-log', 'accept signatures of keys that are in no transparency log')
    .option('--with-trust', 'put the trusted root into the policy')
    .option('--trusted-root <location>', 'file or URL of the trusted root (default: of the profile or stack)')
    .option(...profileOption)
    .option('--data <folder>', 'data folder of the stack (default: SIGSTACK_DATA, else ./.sigstack)')
    .action((options: Options) => initPolicy(io, options))
}

export async function initPolicy(io: Io, given: Options): Promise<void> {
  const options = await asking(io, given)
  const rule: Rule = {
    name: options.rule,
    images: options.image ?? [],
    signedBy: await signersOf(io, options),
    attestations: (options.attestation ?? []).map(predicateTypeUri),
    log: options.log ? 'required' : 'off',
  }
  const { name, mode, otherwise, signatures } = options
  const trustedRoot = options.withTrust === true ? (await readTrustedRoot(io, options)).text : undefined
  const text = writeImagePolicy({
    name,
    mode,
    otherwise,
    signatures,
    rules: [rule],
    ...(trustedRoot !== undefined && { trustedRoot }),
  })
  // By the same rules as any other file.
  telling('the policy', () => readImagePolicy(text))
  await demandWritable([options.out])
  await demandFree(options)
  for (const warning of warningsOf(rule)) io.err(`WARNING: ${warning}\n`)
  await writeOutput(io, options.out, text, [], 0o644)
  if (options.out !== '-') io.err(`Wrote ${options.out}\n`)
}

/** Whom the rule accepts beside those whom its writer may have meant. */
function warningsOf({ signedBy }: Rule): readonly string[] {
  return signedBy
    .map(signerOf)
    .flatMap((signer) => ('policy' in signer ? breadthOfConditions(signer.policy) : []))
}

/** With answers in place of what is not given, where that says nothing. */
async function asking(io: Io, given: Options): Promise<Options> {
  const hasSigner = [
    given.key,
    given.identity,
    given.identityPattern,
    given.sourceRepository,
    given.buildSigner,
  ]
  const isSigned = hasSigner.some((each) => each !== undefined)
  if (given.image !== undefined && isSigned) return given
  const questions = openQuestions(io)
  try {
    const image = given.image ?? [
      await questions.ask('Which images? (such as registry.example/team/**)', '--image'),
    ]
    if (isSigned) return { ...given, image }
    const who = await questions.ask(
      'Who must have signed? (an e-mail address, a URL, or the file of a public key)',
      '--identity, --source-repository or --key',
    )
    const isKey = !who.includes('@') && !/^[a-z]+:\/\//.test(who)
    if (isKey) return { ...given, image, key: [who] }
    const issuer = given.issuer ?? (await knownIssuer(io, given))
    const asked = issuer ?? (await questions.ask('Which OIDC issuer vouches for it?', '--issuer'))
    return { ...given, image, identity: [who], issuer: asked }
  } finally {
    await questions.close()
  }
}

async function signersOf(io: Io, options: Options): Promise<readonly Signer[]> {
  const { key = [], identity = [], identityPattern, sourceRepository, buildSigner, refPattern } = options
  const signers: Signer[] = []
  if (key.length > 0) {
    const { openVerificationKey } = await import('@sigstack/signing/keys')
    const { keyContext } = await import('../../key-context.ts')
    for (const reference of key)
      signers.push({ key: encodePublicKeyPem(await openVerificationKey(reference, keyContext(io))) })
  }
  const job = {
    ...(sourceRepository !== undefined && { sourceRepository }),
    ...(buildSigner !== undefined && { buildSigner }),
    ...(refPattern !== undefined && { refPattern }),
  }
  const names = [
    ...identity.map((each) => ({ identity: each })),
    ...(identityPattern === undefined ? [] : [{ identityPattern }]),
    ...(identity.length === 0 && identityPattern === undefined && Object.keys(job).length > 0 ? [{}] : []),
  ]
  if (names.length === 0) return signers
  const issuer = options.issuer ?? (await knownIssuer(io, options))
  if (issuer === undefined)
    throw new CliError('bad_usage', 'nobody says who vouches for the identity; name the issuer with --issuer')
  return [...signers, ...names.map((name) => ({ issuer, ...name, ...job }))]
}

/** Of the profile in use, else of the running stack. */
async function knownIssuer(io: Io, options: Options): Promise<string | undefined> {
  const profile = await chosenProfile(io, options)
  if (profile !== undefined) return profile.instances[0].signingConfig?.oidcUrls[0]?.url
  try {
    return (await readEndpoints(dataFolder(io, options.data))).issuer
  } catch (error) {
    if (error instanceof CliError && error.code === 'not_running') return undefined
    throw error
  }
}

async function demandFree({ out, force }: Options): Promise<void> {
  if (out === '-' || force === true) return
  const isThere = await access(out).then(
    () => true,
    () => false,
  )
  if (isThere) throw new CliError('unwritable', `${out} is there already; --force writes over it`)
}

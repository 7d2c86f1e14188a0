/** The command line as a whole: commands, help, and what an error looks like. */
import { escaped } from '@sigstack/crypto'
import { OciError } from '@sigstack/oci/errors'
import { version } from '@sigstack/server/version'
import { SigningError } from '@sigstack/signing/errors'
import { VerificationError } from '@sigstack/verification/errors'
import { Command, CommanderError, Option } from 'commander'
import { takeConnections } from './connections.ts'
import { cosignArguments } from './cosign-arguments.ts'
import { CliError, ExitWith } from './errors.ts'
import { writeOutput } from './files.ts'
import { harmless, type Io, messageOf } from './io.ts'
import { refuseCommand } from './left-to-cosign.ts'
import { helpLayout } from './presentation/help-layout.ts'
import { durationMs, type RootFlags, takeRootFlags } from './root-flags.ts'

type CommandOfProgram = {
  readonly summary: string
  /** Takes its words as cosign does, whose command it is. */
  readonly isCosign?: true
  /** Reads in registries and nothing else: ends after cosign's three minutes unless --timeout says otherwise. */
  readonly isBounded?: true
  /** Only the command that is called is loaded: some bring servers and a database along. */
  readonly load: () => Promise<(program: Command, io: Io) => void>
}

const commands: Readonly<Record<string, CommandOfProgram>> = {
  up: {
    summary: 'start the whole stack in this process',
    load: async () => (await import('./commands/up.ts')).addUp,
  },
  sign: {
    summary: 'sign images in a registry',
    isCosign: true,
    load: async () => (await import('./commands/images/sign.ts')).addSign,
  },
  verify: {
    summary: 'verify signatures of images',
    isCosign: true,
    isBounded: true,
    load: async () => (await import('./commands/images/verify.ts')).addVerify,
  },
  attest: {
    summary: 'sign what a predicate says of an image',
    isCosign: true,
    load: async () => (await import('./commands/images/attest.ts')).addAttest,
  },
  'verify-attestation': {
    summary: 'verify what is attested of images',
    isCosign: true,
    isBounded: true,
    load: async () => (await import('./commands/images/verify-attestation.ts')).addVerifyAttestation,
  },
  manifest: {
    summary: 'verify the images of resources of Kubernetes',
    isCosign: true,
    isBounded: true,
    load: async () => (await import('./commands/images/manifest.ts')).addManifest,
  },
  dockerfile: {
    summary: 'verify the images that a Dockerfile builds upon',
    isCosign: true,
    isBounded: true,
    load: async () => (await import('./commands/images/dockerfile.ts')).addDockerfile,
  },
  tree: {
    summary: 'list what is attached to an image',
    isCosign: true,
    isBounded: true,
    load: async () => (await import('./commands/images/tree.ts')).addTree,
  },
  triangulate: {
    summary: 'print the old tag of what is attached to an image',
    isCosign: true,
    isBounded: true,
    load: async () => (await import('./commands/images/triangulate.ts')).addTriangulate,
  },
  generate: {
    summary: 'print what an old signature of an image is over',
    isCosign: true,
    isBounded: true,
    load: async () => (await import('./commands/images/generate.ts')).addGenerate,
  },
  download: {
    summary: 'print what is attached to an image',
    isCosign: true,
    isBounded: true,
    load: async () => (await import('./commands/images/download.ts')).addDownload,
  },
  attach: {
    summary: 'attach to an image what was made elsewhere',
    isCosign: true,
    load: async () => (await import('./commands/images/attach.ts')).addAttach,
  },
  copy: {
    summary: 'copy an image and what is attached to it',
    isCosign: true,
    load: async () => (await import('./commands/images/copy.ts')).addCopy,
  },
  save: {
    summary: 'save an image and what is attached to it in a folder',
    isCosign: true,
    load: async () => (await import('./commands/images/save.ts')).addSave,
  },
  load: {
    summary: 'put a saved image and what is attached to it into a registry',
    isCosign: true,
    load: async () => (await import('./commands/images/load.ts')).addLoad,
  },
  clean: {
    summary: 'remove what is attached to an image',
    isCosign: true,
    load: async () => (await import('./commands/images/clean.ts')).addClean,
  },
  pack: {
    summary: 'carry images, signatures and trust in one file',
    isCosign: true,
    load: async () => (await import('./commands/packs/pack.ts')).addPack,
  },
  init: {
    summary: 'trust an instance, and keep it as a profile',
    load: async () => (await import('./commands/profiles/init.ts')).addInit,
  },
  initialize: {
    summary: 'trust the TUF repository of an instance, as cosign does',
    isCosign: true,
    load: async () => (await import('./commands/profiles/initialize.ts')).addInitialize,
  },
  doctor: {
    summary: 'find out why signing or verifying does not work here',
    isCosign: true,
    load: async () => (await import('./commands/doctor.ts')).addDoctor,
  },
  profile: {
    summary: 'show and choose the instances that are trusted',
    load: async () => (await import('./commands/profiles/profile.ts')).addProfile,
  },
  login: {
    summary: 'keep credentials for a registry',
    isCosign: true,
    load: async () => (await import('./commands/images/login.ts')).addLogin,
  },
  'sign-blob': {
    summary: 'sign a file into a bundle',
    isCosign: true,
    load: async () => (await import('./commands/sign-blob.ts')).addSignBlob,
  },
  'verify-blob': {
    summary: 'verify a file with its bundle',
    isCosign: true,
    load: async () => (await import('./commands/verify-blob.ts')).addVerifyBlob,
  },
  'attest-blob': {
    summary: 'sign what a predicate says of a file',
    isCosign: true,
    load: async () => (await import('./commands/attest-blob.ts')).addAttestBlob,
  },
  'verify-blob-attestation': {
    summary: 'verify what is attested of a file',
    isCosign: true,
    load: async () => (await import('./commands/verify-blob-attestation.ts')).addVerifyBlobAttestation,
  },
  'trusted-root': {
    summary: 'make a trusted root by hand',
    isCosign: true,
    load: async () => (await import('./commands/trust-files/trusted-root.ts')).addTrustedRoot,
  },
  'signing-config': {
    summary: 'make a signing config by hand',
    isCosign: true,
    load: async () => (await import('./commands/trust-files/signing-config.ts')).addSigningConfig,
  },
  bundle: {
    summary: 'make, show and renew bundles',
    isCosign: true,
    load: async () => (await import('./commands/bundle/bundle.ts')).addBundle,
  },
  'generate-key-pair': {
    summary: 'make a pair of keys to sign with',
    isCosign: true,
    load: async () => (await import('./commands/keys/generate-key-pair.ts')).addGenerateKeyPair,
  },
  'import-key-pair': {
    summary: 'take a private key of another tool to sign with',
    isCosign: true,
    load: async () => (await import('./commands/keys/import-key-pair.ts')).addImportKeyPair,
  },
  'public-key': {
    summary: 'print the public half of a key',
    isCosign: true,
    load: async () => (await import('./commands/keys/public-key.ts')).addPublicKey,
  },
  policy: {
    summary: 'say which images may run, and have engines enforce it',
    load: async () => (await import('./commands/policy/policy.ts')).addPolicy,
  },
  trust: {
    summary: 'show, fetch and export the trust that the stack publishes',
    load: async () => (await import('./commands/trust.ts')).addTrust,
  },
  token: {
    summary: 'get a token of the trial issuer, or show one',
    load: async () => (await import('./commands/token.ts')).addToken,
  },
  log: {
    summary: 'look after a transparency log',
    load: async () => (await import('./commands/log/log.ts')).addLog,
  },
  monitor: {
    summary: 'ask the monitor of the logs what is wrong',
    load: async () => (await import('./commands/monitor/monitor.ts')).addMonitor,
  },
  witness: {
    summary: 'ask the witnesses of a log how far they are',
    load: async () => (await import('./commands/witness/witness.ts')).addWitness,
  },
  ca: {
    summary: 'look after the certificate authority',
    load: async () => (await import('./commands/ca.ts')).addCa,
  },
  timestamp: {
    summary: 'have files stamped with the time, and verify stamps',
    load: async () => (await import('./commands/timestamp/timestamp.ts')).addTimestamp,
  },
  tsa: {
    summary: 'look after the timestamp authority',
    load: async () => (await import('./commands/tsa.ts')).addTsa,
  },
  version: {
    summary: 'tell the version',
    load: async () => (await import('./commands/version.ts')).addVersion,
  },
  completion: {
    summary: 'print a script that completes commands in a shell',
    load: async () => (await import('./commands/completion.ts')).completionOf(buildProgram, commandNames),
  },
  man: {
    summary: 'print a page of the manual',
    load: async () => (await import('./commands/man.ts')).manOf(buildProgram, commandNames),
  },
}
const commandNames: readonly string[] = Object.keys(commands)

/** Runs one command; `words` are the arguments without the program's name. Resolves to the exit status. */
export async function runCli(given: readonly string[], process: Io): Promise<number> {
  const json = given.includes('--json')
  const { words, connections } = takeConnections(given, process)
  const io = { ...harmless(process), prefersKept: connections !== 'any' }
  if (connections !== 'none') return runGiven(words, io, json)
  const { withoutConnections } = await import('@sigstack/http-client')
  return withoutConnections(() => runGiven(words, io, json))
}

async function runGiven(given: readonly string[], io: Io, json: boolean): Promise<number> {
  try {
    const flags = rootFlagsOf(given)
    if (flags === undefined) return await runWords(given, io, json)
    const { words, timeout, outputFile } = flags
    const timeoutMs = timeout === undefined ? usualTimeoutMs(words) : durationMs(timeout)
    const output = outputFile === undefined ? undefined : gatherOutput(io)
    const status = await within(timeoutMs, runWords(words, output?.io ?? io, json))
    if (output !== undefined && outputFile !== undefined) await writeOutput(io, outputFile, output.written())
    return status
  } catch (error) {
    tellError(io, error, json)
    if (error instanceof CliError && error.code === 'timed_out') io.leave?.(error.status)
    return error instanceof CliError ? error.status : 1
  }
}

function calledIn(words: readonly string[]): CommandOfProgram | undefined {
  const called = words.find((word) => !word.startsWith('-') && word !== 'help')
  return called !== undefined && Object.hasOwn(commands, called) ? commands[called] : undefined
}

function usualTimeoutMs(words: readonly string[]): number | undefined {
  return calledIn(words)?.isBounded === true ? 180_000 : undefined
}

/** Undefined where the command is none of cosign's, whose flags these are. */
function rootFlagsOf(given: readonly string[]): RootFlags | undefined {
  const flags = takeRootFlags(given)
  return calledIn(flags.words)?.isCosign === true ? flags : undefined
}

function gatherOutput(io: Io): { readonly io: Io; written(): Buffer } {
  const parts: Buffer[] = []
  const take = (content: string | Uint8Array): void => void parts.push(Buffer.from(content))
  return { io: { ...io, out: take, file: take }, written: () => Buffer.concat(parts) }
}

async function within<Result>(timeoutMs: number | undefined, work: Promise<Result>): Promise<Result> {
  if (timeoutMs === undefined) return work
  const { promise: late, reject } = Promise.withResolvers<never>()
  const told = `the command took longer than ${timeoutMs} ms`
  const advice = '--timeout 10m gives it more time.'
  const timer = setTimeout(() => reject(new CliError('timed_out', told, { advice })), timeoutMs)
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}

async function runWords(words: readonly string[], io: Io, json: boolean): Promise<number> {
  try {
    const called = words.find((word) => !word.startsWith('-') && word !== 'help')
    if (called !== undefined) refuseCommand(called)
    const program = await buildProgram(io, called === undefined ? [] : [called])
    const unknown = asksForHelp(words) ? unknownCommand(program, words) : undefined
    if (unknown !== undefined) program.error(`error: unknown command '${unknown}'`)
    await program.parseAsync([...wordsFor(program, words, called, io)], { from: 'user' })
    return 0
  } catch (error) {
    if (error instanceof CommanderError) {
      // Commander has said it already, but not to programs.
      if (json && error.exitCode !== 0) tellJson(io, 'bad_usage', error.message.replace(/^error: /, ''))
      return error.exitCode
    }
    if (error instanceof ExitWith) return error.status
    tellError(io, error, json)
    return error instanceof CliError ? error.status : 1
  }
}

function asksForHelp(words: readonly string[]): boolean {
  return words[0] === 'help' || words.includes('--help') || words.includes('-h')
}

/** Commander shows the help of what is around it, and ends as if that had been asked for. */
function unknownCommand(program: Command, words: readonly string[]): string | undefined {
  let around = program
  for (const word of words) {
    if (around.commands.length === 0) return undefined
    if (word === 'help') continue
    if (word.startsWith('-')) return undefined
    const found = around.commands.find((each) => each.name() === word)
    if (found === undefined) return word
    around = found
  }
  return undefined
}

function wordsFor(
  program: Command,
  words: readonly string[],
  called: string | undefined,
  io: Io,
): readonly string[] {
  const isCosign = called !== undefined && Object.hasOwn(commands, called) && commands[called]?.isCosign
  const command = isCosign ? program.commands.find((each) => each.name() === called) : undefined
  if (command === undefined || called === undefined || words[0] !== called) return words
  const sub = command.commands.find((each) => each.name() === words[1])
  if (sub === undefined) return [called, ...cosignArguments(words.slice(1), command, io)]
  return [called, sub.name(), ...cosignArguments(words.slice(2), sub, io)]
}

/** The program with the commands of `loaded`, and of the others the names. */
async function buildProgram(io: Io, loaded: readonly string[]): Promise<Command> {
  const program = new Command('sigstack')
    .description('A Sigstore stack of your own: run it, sign with it, verify with it.')
    .version(version)
    // Taken out of the words before they are read; here for the help.
    .option('--no-network', 'make every connection an error (default: SIGSTACK_OFFLINE)')
    .option('--offline', 'the same; verify and its kin may reach what their words name, such as a registry')
    .exitOverride()
    .configureHelp(helpLayout)
    .configureOutput({
      writeOut: io.out,
      writeErr: io.err,
      outputError: (text, write) => write(text.replace(/^error:/, 'Error:')),
    })
    .showHelpAfterError('Add --help for what is possible.')
  // Subcommands inherit the settings above only when they are added afterwards.
  for (const [name, { summary, load }] of Object.entries(commands)) {
    if (loaded.includes(name)) (await load())(program, io)
    else program.command(name).summary(summary)
  }
  allowJson(program)
  return program
}

/** Programs ask for JSON wherever they are; where it makes no other difference, it is how errors are told. */
function allowJson(command: Command): void {
  for (const sub of command.commands) allowJson(sub)
  const has = command.options.some(({ long }) => long === '--json')
  if (command.commands.length === 0 && !has)
    command.addOption(new Option('--json', 'tell an error as JSON').hideHelp())
}

function tellError(io: Io, error: unknown, json: boolean): void {
  const known =
    error instanceof CliError ||
    error instanceof SigningError ||
    error instanceof VerificationError ||
    error instanceof OciError
  const message = messageOf(error)
  const advice = known && 'advice' in error ? error.advice : undefined
  const reasons = error instanceof CliError ? error.reasons.map((reason) => escaped(reason, 4000)) : []
  if (json) tellJson(io, known ? error.code : 'internal', message, advice, reasons)
  io.err(`Error: ${[message, reasons.join('\n')].filter(Boolean).join(': ')}\n`)
  if (advice !== undefined) io.err(`${advice}\n`)
  // Only a programmer can mend the others.
  if (!known && error instanceof Error && error.stack !== undefined)
    io.err(`${error.stack.split('\n').map(messageOf).join('\n')}\n`)
}

function tellJson(
  io: Io,
  code: string,
  message: string,
  advice?: string,
  reasons: readonly string[] = [],
): void {
  const error = { code, message, advice, ...(reasons.length > 0 && { reasons }) }
  io.out(`${JSON.stringify({ error })}\n`)
}

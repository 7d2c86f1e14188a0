/** Verifies a file of C2SP tlog-proof by a policy, without the log. */
import {
  CheckpointError,
  parseTlogProof,
  parseWitnessPolicy,
  type VerifiedProof,
  verifyTlogProof,
} from '@sigstack/checkpoint'
import { quoted } from '@sigstack/crypto'
import { type Hash, leafHash, ProofError } from '@sigstack/merkle'
import { readBundle } from '@sigstack/verification'
import type { Command } from 'commander'
import { CliError } from '../../errors.ts'
import { readInput, readTextInput } from '../../files.ts'
import type { Io } from '../../io.ts'

type Options = {
  readonly policy: string
  readonly bundle?: string
  readonly leaf?: string
  readonly json?: boolean
}

export function addVerifyProof(log: Command, io: Io): void {
  log
    .command('verify-proof')
    .summary('verify a proof of inclusion without the log')
    .description(
      'Verifies that an entry is in a tree that a log of the policy has signed, and a quorum of its witnesses too. Needs no network. ' +
        'It says nothing of what the entry says.',
    )
    .argument('<proof>', 'a file of C2SP tlog-proof; - is standard input')
    .requiredOption('--policy <file>', 'logs, witnesses and quorum (C2SP tlog-policy)')
    .option('--bundle <file>', 'the bundle whose entry it is')
    .option('--leaf <file>', 'the bytes of the entry, in place of a bundle')
    .option('--json', 'tell the result as JSON')
    .action((file: string, options: Options) => verifyProof(io, file, options))
}

async function verifyProof(io: Io, file: string, options: Options): Promise<void> {
  const leaf = await leafOf(io, options)
  const text = await readTextInput(io, file, 'proof')
  const policyText = await readTextInput(io, options.policy, 'policy')
  const verified = await refused(async () => {
    const proof = parseTlogProof(text)
    const policy = parseWitnessPolicy(policyText)
    // Nothing else says which log it must be, so a policy without one would take anybody's.
    if (policy.logs.length === 0)
      throw new CliError('bad_usage', `${quoted(options.policy)} names no log`, {
        advice: 'Add a line `log VKEY` with the key of each log that counts (docs/operations/witness.md).',
      })
    return { proof, ...(await verifyTlogProof(proof, leaf, policy)) }
  })
  const { origin, treeHead } = verified.checkpoint
  const { leafIndex } = verified.proof
  if (options.json === true)
    io.out(
      `${JSON.stringify({
        origin,
        index: String(leafIndex),
        treeSize: String(treeHead.size),
        signatures: signaturesOf(verified),
      })}\n`,
    )
  io.err(`Verified OK: entry ${leafIndex} of ${treeHead.size} in ${origin}\n`)
  for (const { name, kind, time } of signaturesOf(verified))
    io.err(`  signed by ${name} (${kind}${time === undefined ? '' : `, at ${time}`})\n`)
}

async function leafOf(io: Io, { bundle, leaf }: Options): Promise<Hash> {
  if (leaf !== undefined && bundle === undefined) return leafHash(await readInput(io, leaf))
  if (bundle === undefined || leaf !== undefined)
    throw new CliError('bad_usage', 'name the entry with --bundle or --leaf, one of them')
  const { entries } = readBundle(await readTextInput(io, bundle, 'bundle'), { allowCertificateChain: true })
  const [entry] = entries
  if (entry === undefined) throw new CliError('bad_bundle', `${bundle} has no entry of a log`)
  return leafHash(entry.body)
}

function signaturesOf({ signatures }: VerifiedProof) {
  return signatures.map(({ key, timeSeconds }) => ({
    name: key.name,
    kind: key.kind,
    ...(timeSeconds !== undefined && { time: timeOf(timeSeconds) }),
  }))
}

/** A number where no calendar has it. */
function timeOf(seconds: bigint): string {
  const date = new Date(Number(seconds) * 1_000)
  return Number.isNaN(date.getTime()) ? `${seconds} s` : date.toISOString()
}

const aboutQuorum =
  'Of Rekor v1, whose answers bear no signatures of witnesses, `sigstack log proof --fresh` asks for a proof that does.'

async function refused<T>(verify: () => Promise<T>): Promise<T> {
  try {
    return await verify()
  } catch (cause) {
    if (!(cause instanceof CheckpointError || cause instanceof ProofError)) throw cause
    throw new CliError('not_verified', cause.message, {
      cause,
      ...(cause instanceof CheckpointError && cause.code === 'no_quorum' && { advice: aboutQuorum }),
    })
  }
}

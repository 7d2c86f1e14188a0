/** A proof of inclusion as a file of its own (C2SP tlog-proof). */
import { CheckpointError, encodeTlogProof, parseCheckpoint } from '@sigstack/checkpoint'
import { withoutEnd } from '@sigstack/crypto'
import { requestBounded } from '@sigstack/http-client'
import { asHash } from '@sigstack/merkle'
import { readBundle } from '@sigstack/verification'
import type { Command } from 'commander'
import { CliError } from '../../errors.ts'
import { demandOutput, readTextInput, writeOutput } from '../../files.ts'
import type { Io } from '../../io.ts'
import { findAgain, type LogOptions, logUrl } from '../bundle/inclusion-proofs.ts'

type Options = LogOptions & { readonly out?: string; readonly fresh?: boolean }

const limits = { timeoutMs: 10_000, maxBytes: 1_048_576 }

export function addProof(log: Command, io: Io): void {
  log
    .command('proof')
    .summary('write the proof in a bundle as a file of its own')
    .description(
      'Writes the proof that the entry of a bundle is in its log as a file of C2SP tlog-proof. With --fresh the log is asked for the ' +
        'proof of today, under a checkpoint that its witnesses may have signed meanwhile.',
    )
    .argument('<bundle>', 'the bundle; - is standard input')
    .option('--out <file>', 'where it goes (default: standard output)')
    .option('--fresh', 'ask the log (Rekor v1) for the proof of today')
    .option('--rekor-url <url>', 'the log, with --fresh (default: of the running stack)')
    .option('--data <folder>', 'data folder of the running stack (default: SIGSTACK_DATA, else ./.sigstack)')
    .action((file: string, options: Options) => writeProof(io, file, options))
}

async function writeProof(io: Io, file: string, options: Options): Promise<void> {
  const { out = '-' } = options
  await demandOutput(out, [file])
  const { entries } = readBundle(await readTextInput(io, file, 'bundle'), { allowCertificateChain: true })
  const [first] = entries
  const entry = first && options.fresh === true ? await findAgain(io, first, options) : first
  if (entry?.proof?.checkpoint === undefined)
    throw new CliError('bad_bundle', 'the bundle has no entry with a proof and a checkpoint', {
      advice: 'With --fresh the log is asked for one.',
    })
  const { logIndex, hashes } = entry.proof
  const own = entry.proof.checkpoint
  const checkpoint = options.fresh === true ? await withWitnesses(own, await logUrl(io, options)) : own
  const proof = encodeTlogProof({ leafIndex: logIndex, siblings: hashes.map(asHash), checkpoint })
  await writeOutput(io, out, proof, [file], 0o644)
}

/** The API of Rekor v1 shows the log's own line alone; the same checkpoint beside the tiles has those of its witnesses. */
async function withWitnesses(own: string, url: string): Promise<string> {
  const answer = await requestBounded(`${withoutEnd(url, '/')}/checkpoint`, limits)
  if (answer.status !== 200) return own
  const shown = answer.bytes.toString('utf8')
  try {
    return parseCheckpoint(shown).text === parseCheckpoint(own).text ? shown : own
  } catch (cause) {
    if (!(cause instanceof CheckpointError)) throw cause
    return own
  }
}

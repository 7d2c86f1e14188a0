import { CryptoError, type PublicKey, parsePublicKeyPem } from '@sigstack/crypto'
import { auditRekor, type RekorAudit } from '@sigstack/stack'
import { type Command, CommanderError, Option } from 'commander'
import { collect } from '../../collect.ts'
import { CliError, ExitWith } from '../../errors.ts'
import { type Io, readInput } from '../../io.ts'
import { readLocation } from '../../location.ts'
import { type DatabaseOptions, withDatabaseOptions, withLogDatabase } from '../../log-database.ts'
import { progressOf, whole } from '../../presentation/progress.ts'

type Options = DatabaseOptions & {
  readonly search: 'all' | 'sample' | 'none'
  readonly answers?: string
  readonly checkpoint?: readonly string[]
  readonly publicKey?: readonly string[]
  readonly quiet?: boolean
  readonly json?: boolean
}

const status = { damaged: 1, notRun: 2 } as const

export function addAudit(log: Command, io: Io): void {
  const command = log
    .command('audit')
    .summary('compute the tree again and compare everything that is stored')
    .description(
      'Computes the tree of every shard of the Rekor log again from its entries and compares with it every tile, every tree ' +
        'head, the keys that entries are found by and the search index; and what was given away, where it was kept: ' +
        'answers to appends with their signed timestamps and proofs, and checkpoints. It takes no lock and reads up to ' +
        'the tree head that it saw first, so the log may go on. Ends with 0 (sound), 1 (damaged) or 2 (not audited).',
    )
    .addOption(
      new Option('--search <extent>', 'how much of the search index to compare')
        .choices(['all', 'sample', 'none'])
        .default('all'),
    )
    .option('--answers <file>', 'answers of the log that were kept, one in each line')
    .option('--checkpoint <location>', 'file or URL of a checkpoint that was kept; may be repeated', collect)
    .option(
      '--public-key <file>',
      'key of a shard, rather than the one that the database names; may be repeated',
      collect,
    )
    .option('--quiet', 'no progress')
    .option('--json', 'say the verdict as JSON')
    // What a wrong word ends with must not look like damage.
    .exitOverride((error) => {
      throw new CommanderError(error.exitCode === 0 ? 0 : status.notRun, error.code, error.message)
    })
  withDatabaseOptions(command).action(async (options: Options) => {
    const audit = await run(io, options)
    tellAudit(io, options, audit)
    if (audit.findingCount > 0) throw new ExitWith(status.damaged)
  })
}

async function run(io: Io, options: Options): Promise<RekorAudit> {
  const { search, answers: answersFile, publicKey = [], checkpoint = [] } = options
  try {
    const publicKeys = await Promise.all(publicKey.map((file) => readKey(io, file)))
    const checkpoints = await Promise.all(checkpoint.map((location) => readLocation(location, 'checkpoint')))
    return await withLogDatabase(io, options, (pool) =>
      auditRekor({
        pool,
        search,
        publicKeys,
        checkpoints,
        onProgress: progressOf(io, 'audited', options),
        ...(answersFile !== undefined && { answersFile }),
      }),
    )
  } catch (error) {
    const advice = error instanceof CliError ? error.advice : undefined
    const message = error instanceof Error ? error.message : String(error)
    throw new CliError('not_audited', message, {
      cause: error,
      status: status.notRun,
      ...(advice !== undefined && { advice }),
    })
  }
}

async function readKey(io: Io, file: string): Promise<PublicKey> {
  try {
    return parsePublicKeyPem((await readInput(io, file)).toString())
  } catch (cause) {
    if (cause instanceof CryptoError)
      throw new CliError('bad_usage', `${file} holds no public key: ${cause.message}`, { cause })
    throw cause
  }
}

function tellAudit(io: Io, options: Options, audit: RekorAudit): void {
  const { shards, entries, tiles, indexed, searched, answers, checkpoints, findings, findingCount } = audit
  if (options.json === true) {
    const verdict = {
      verdict: findingCount === 0 ? 'sound' : 'damaged',
      shards: shards.map(({ size, rootHash, ...shard }) => ({
        ...shard,
        size: `${size}`,
        rootHash: Buffer.from(rootHash).toString('hex'),
      })),
      checked: {
        entries: `${entries}`,
        tiles: `${tiles}`,
        searchedEntries: `${searched}`,
        answers,
        checkpoints,
      },
      indexedEntries: `${indexed}`,
      findings,
      findingCount,
    }
    io.out(`${JSON.stringify(verdict)}\n`)
    return
  }
  for (const { origin, size, rootHash, isFrozen } of shards) {
    const root = Buffer.from(rootHash).toString('base64')
    io.out(`${origin}: ${whole(size)} entries${isFrozen ? ', frozen' : ''}, root ${root}\n`)
  }
  io.out(
    `Checked: ${whole(entries)} entries, ${whole(tiles)} tiles, search keys of ${whole(searched)} entries, ${answers} answers, ${checkpoints} checkpoints.\n`,
  )
  for (const { kind, message } of findings) io.out(`${kind}: ${message}\n`)
  if (findingCount > findings.length) io.out(`and ${whole(findingCount - findings.length)} more.\n`)
  io.out(findingCount === 0 ? 'The log is sound.\n' : `${adviceOn(findings)}\n`)
}

/** What is hashed cannot be made again; the search index can. */
function adviceOn(findings: RekorAudit['findings']): string {
  return findings.every(({ kind }) => kind === 'search')
    ? 'The log is sound and its search index is damaged: build it again with `sigstack log reindex`.'
    : 'The log is DAMAGED. Stop its writers (`sigstack log mode maintenance`), keep the database as it is, and restore or repair from a copy: see docs/operations/log-operations.md.'
}

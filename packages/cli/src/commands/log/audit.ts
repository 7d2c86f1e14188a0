import { CryptoError, counted, escaped, type PublicKey, parsePublicKeyPem, reasonOf } from '@sigstack/crypto'
import { auditPlainLog, auditRekor, isSearchedLog, type LogAudit } from '@sigstack/rekor-log'
import { type Command, CommanderError, Option } from 'commander'
import { collect } from '../../collect.ts'
import { CliError, ExitWith } from '../../errors.ts'
import { readTextInput } from '../../files.ts'
import type { Io } from '../../io.ts'
import { type DatabaseOptions, withDatabaseOptions, withLogDatabase } from '../../log-database.ts'
import { progressOf, whole } from '../../presentation/progress.ts'
import { readCheckpoints } from '../../running-log.ts'

type Options = DatabaseOptions & {
  readonly log: string
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
      'Computes the tree of every shard of a log again from its entries and compares with it every tile, every tree ' +
        'head, the keys that entries are found by and the search index; and what was given away, where it was kept: ' +
        'answers to appends with their signed timestamps and proofs, and checkpoints. It takes no lock and reads up to ' +
        'the tree head that it saw first, so the log may go on. Ends with 0 (sound), 1 (damaged) or 2 (not audited).',
    )
    .option('--log <name>', 'which log of the database: rekor-v1, rekor-v2 or ct', 'rekor-v1')
    .addOption(
      new Option('--search <extent>', 'how much of the search index of a Rekor log to compare')
        .choices(['all', 'sample', 'none'])
        .default('all'),
    )
    .option('--answers <file>', 'answers of a Rekor log that were kept, one in each line')
    .option('--checkpoint <location>', 'file or URL of a checkpoint that was kept; may be repeated', collect)
    .option(
      '--public-key <file>',
      'key of a Rekor shard, rather than the one that the database names; may be repeated',
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

async function run(io: Io, options: Options): Promise<LogAudit> {
  const { log, search, answers: answersFile, publicKey = [], checkpoint = [] } = options
  try {
    const publicKeys = await Promise.all(publicKey.map((file) => readKey(io, file)))
    const checkpoints = await Promise.all(checkpoint.map(readCheckpoints))
    const onProgress = progressOf(io, 'audited', options)
    if (log !== 'rekor-v1') {
      if (answersFile !== undefined || publicKey.length > 0)
        throw new CliError('bad_usage', '--answers and --public-key go with a log of Rekor v1')
      return await withLogDatabase(io, options, (pool) =>
        auditPlainLog({ pool, log, search, checkpoints, onProgress }),
      )
    }
    return await withLogDatabase(io, options, (pool) =>
      auditRekor({
        pool,
        search,
        publicKeys,
        checkpoints,
        onProgress,
        ...(answersFile !== undefined && { answersFile }),
      }),
    )
  } catch (error) {
    const advice = error instanceof CliError ? error.advice : undefined
    const message = reasonOf(error)
    throw new CliError('not_audited', message, {
      cause: error,
      status: status.notRun,
      ...(advice !== undefined && { advice }),
    })
  }
}

async function readKey(io: Io, file: string): Promise<PublicKey> {
  try {
    return parsePublicKeyPem(await readTextInput(io, file, 'public key'))
  } catch (cause) {
    if (cause instanceof CryptoError)
      throw new CliError('bad_usage', `${file} holds no public key: ${cause.message}`, { cause })
    throw cause
  }
}

function tellAudit(io: Io, options: Options, audit: LogAudit): void {
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
    io.out(
      `${escaped(origin)}: ${counted(size, 'entry', 'entries', whole)}${isFrozen ? ', frozen' : ''}, root ${root}\n`,
    )
  }
  const isSearched = isSearchedLog(options.log)
  const ofSearch = isSearched ? `search keys of ${counted(searched, 'entry', 'entries', whole)}, ` : ''
  const ofRekorV1 = options.log === 'rekor-v1' ? `${counted(answers, 'answer', 'answers')}, ` : ''
  const trees = `${counted(entries, 'entry', 'entries', whole)}, ${counted(tiles, 'tile', 'tiles', whole)}`
  io.out(`Checked: ${trees}, ${ofSearch}${ofRekorV1}${counted(checkpoints, 'checkpoint', 'checkpoints')}.\n`)
  for (const { kind, message } of findings) io.out(`${kind}: ${escaped(message, 1000)}\n`)
  const behind = entries - indexed
  if (isSearched && options.search !== 'none' && behind > 0n)
    io.out(
      `The search index lacks the last ${counted(behind, 'entry', 'entries', whole)}: the log adds what is missing as soon as it runs.\n`,
    )
  if (findingCount > findings.length) io.out(`and ${whole(findingCount - findings.length)} more.\n`)
  io.out(findingCount === 0 ? 'The log is sound.\n' : `${adviceOn(options.log, findings)}\n`)
}

/** What is hashed cannot be made again; the search index can. */
function adviceOn(log: string, findings: LogAudit['findings']): string {
  return findings.every(({ kind }) => kind === 'search')
    ? `The log is sound and its search index is damaged: build it again with \`sigstack log reindex --log ${log}\`.`
    : 'The log is DAMAGED. Stop its writers (`sigstack log mode maintenance`), keep the database as it is, and restore or repair from a copy: see docs/operations/log-operations.md.'
}

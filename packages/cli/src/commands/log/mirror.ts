/** Keeps a copy of a log elsewhere, by the open protocol of mirrors. */
import { setTimeout as sleep } from 'node:timers/promises'
import { CheckpointError } from '@sigstack/checkpoint'
import { reasonOf, withoutEnd } from '@sigstack/crypto'
import { requestBounded } from '@sigstack/http-client'
import { openTiles, TileError } from '@sigstack/tile-client'
import type { Command } from 'commander'
import { dataFolder, readEndpoints } from '../../endpoints.ts'
import { CliError } from '../../errors.ts'
import type { Io } from '../../io.ts'
import { type Fed, feedMirror, type PostToMirror } from '../../mirroring/feed-mirror.ts'

type Options = {
  readonly to: string
  readonly log?: string
  readonly data?: string
  readonly follow?: boolean
  readonly json?: boolean
}

const limits = { timeoutMs: 60_000, maxBytes: 1_048_576 }
const followMs = 10_000

export function addMirror(log: Command, io: Io): void {
  log
    .command('mirror')
    .summary('bring a mirror up to the newest state of a log')
    .description(
      'Reads the log by its tiles and uploads what the mirror (C2SP tlog-mirror) lacks, which proves each entry and signs the tree when ' +
        'all of it is there. An upload that was interrupted goes on where it was. With --follow it does not end.',
    )
    .requiredOption('--to <url>', 'the submission prefix of the mirror, such as http://127.0.0.1:7380')
    .option('--log <url>', 'the log, where its /checkpoint is (default: Rekor of the running stack)')
    .option('--data <folder>', 'data folder of the running stack (default: SIGSTACK_DATA, else ./.sigstack)')
    .option('--follow', 'look for new entries every ten seconds')
    .option('--json', 'tell it as JSON')
    .action((options: Options) => mirror(io, options))
}

async function mirror(io: Io, options: Options): Promise<void> {
  const url = options.log ?? (await readEndpoints(dataFolder(io, options.data))).services['rekor']
  if (url === undefined) throw new CliError('bad_usage', 'please name the log with --log')
  const feed = () =>
    feedMirror({
      log: openTiles(url),
      post: poster(options.to),
      onProgress: (next, size) => io.err(`${next} of ${size}\n`),
    })
  if (options.follow !== true) return tell(io, await refused(feed), options)
  for (;;) {
    try {
      tell(io, await refused(feed), options)
    } catch (error) {
      // The next look may find both again.
      if (!(error instanceof CliError) || error.code !== 'unreachable') throw error
      io.err(`${reasonOf(error)}\n`)
    }
    await sleep(followMs)
  }
}

function tell(io: Io, { origin, treeSize, uploaded, lines }: Fed, { json, follow }: Options): void {
  if (json === true)
    io.out(
      `${JSON.stringify({ origin, size: String(treeSize), uploaded: String(uploaded), signatures: lines.split('\n').slice(0, -1) })}\n`,
    )
  else if (follow !== true || uploaded > 0n)
    io.out(`${origin}: the mirror has all ${treeSize}, ${uploaded} of them new\n`)
}

function poster(to: string): PostToMirror {
  return async (path, body, headers) => {
    const where = `${withoutEnd(to, '/')}/${path}`
    try {
      const answer = await requestBounded(where, { method: 'POST', body, headers, ...limits })
      return { status: answer.status, text: answer.text() }
    } catch (cause) {
      throw new CliError('unreachable', `${where} does not answer: ${reasonOf(cause)}`, { cause })
    }
  }
}

async function refused<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (cause instanceof CheckpointError) throw new CliError('unreadable', cause.message, { cause })
    if (!(cause instanceof TileError)) throw cause
    const code = cause.code === 'unreachable' ? 'unreachable' : 'unreadable'
    const advice =
      'An entry of more than 65,535 bytes has no place in a bundle: such a log cannot be mirrored.'
    throw new CliError(code, cause.message, { cause, ...(cause.code === 'not_found' && { advice }) })
  }
}

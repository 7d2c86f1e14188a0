/** `log rollover` of a log that is followed by another one, of Rekor v2 or CT: the same steps, and both take entries after them. */
import type { Pool } from '@sigstack/postgres'
import {
  cancelFollowing,
  commitFollowing,
  type Followed,
  openPreparedKey,
  type PreparedLog,
  preparedFollowing,
  prepareFollowing,
} from '@sigstack/rekor-log'
import { CliError } from '../../errors.ts'
import type { Io } from '../../io.ts'
import { withLogDatabase } from '../../log-database.ts'
import {
  adviceOnKeys,
  adviceOnPreparedKey,
  assertPublished,
  keysFolder,
  newKeyOf,
  preparedKeyOf,
  withAdvice,
} from './next-key.ts'
import type { RolloverOptions } from './rollover.ts'

export async function followLog(io: Io, options: RolloverOptions): Promise<void> {
  const { log, prepare = false, cancel = false, sameKey = false, host, prefix } = options
  if (sameKey)
    throw new CliError('bad_usage', `a log that follows ${log} has a key of its own`, {
      advice: 'Use --prepare and later --commit.',
    })
  if (!prepare && (host !== undefined || prefix !== undefined))
    throw new CliError(
      'bad_usage',
      '--host and --prefix go with --prepare: that is when the next log gets its name',
    )
  await withLogDatabase(io, options, async (pool) => {
    if (prepare) return tellPrepared(io, options, await prepareNext(io, options, pool))
    if (cancel) return tellCancelled(io, options, await cancelFollowing(pool, log))
    return tellFollowed(io, options, await openNext(io, options, pool))
  })
}

async function prepareNext(io: Io, options: RolloverOptions, pool: Pool): Promise<PreparedLog> {
  const { log, host, prefix } = options
  const place = { ...(host !== undefined && { host }), ...(prefix !== undefined && { prefix }) }
  return prepareFollowing(pool, log, { ...(await newKeyOf(io, options)), ...place }).catch(
    (cause: unknown) => {
      throw withAdvice(cause, adviceOnKeys)
    },
  )
}

async function openNext(io: Io, options: RolloverOptions, pool: Pool): Promise<Followed> {
  const { log, unpublished = false } = options
  const prepared = demandPrepared(log, await preparedFollowing(pool, log))
  const key = await preparedKeyOf(io, options, prepared)
  await openPreparedKey(prepared, { ...key, takesEd25519: true }).catch((cause: unknown) => {
    throw withAdvice(cause, adviceOnPreparedKey)
  })
  if (!unpublished) await assertPublished(io, options, log.startsWith('ct') ? 'ctlogs' : 'tlogs', prepared)
  return commitFollowing(pool, log, key)
}

function demandPrepared(log: string, prepared: PreparedLog | undefined): PreparedLog {
  if (prepared !== undefined) return prepared
  throw new CliError('log_refused', `no log is prepared to follow ${log}`, {
    advice: 'Run `sigstack log rollover --prepare` for it first.',
  })
}

function tellPrepared(
  io: Io,
  options: RolloverOptions,
  { keyFile, publicKeyPem, origin, name }: PreparedLog,
): void {
  if (options.json === true) {
    io.out(`${JSON.stringify({ name, origin, keyFile, publicKey: publicKeyPem })}\n`)
    return
  }
  io.out(publicKeyPem)
  io.err(
    `The key of ${origin} is ${keyFile} in ${keysFolder(io, options)}. Every replica of the log needs it in its folder of keys;\n` +
      'each says in its log that it is at hand. Once the trusted root lists it, and verifiers have fetched that root:\n' +
      `sigstack log rollover --log ${options.log} --commit\n`,
  )
}

function tellCancelled(io: Io, options: RolloverOptions, cancelled: PreparedLog | undefined): void {
  const { keyFile, origin } = demandPrepared(options.log, cancelled)
  io.out(
    options.json === true
      ? `${JSON.stringify({ cancelled: keyFile })}\n`
      : `${origin} does not come next any more. ${keyFile} stays, and the next --prepare takes it again; the trusted root may list it for good, which harms nobody.\n`,
  )
}

function tellFollowed(io: Io, options: RolloverOptions, { before, next }: Followed): void {
  if (options.json === true) {
    io.out(`${JSON.stringify({ before, next })}\n`)
    return
  }
  io.out(`${next.origin} is open, and ${before.origin} goes on beside it.\n`)
  io.err(
    options.log.startsWith('ct')
      ? `A CA that does not have it in CA_CT_LOG_URL and in the keys there needs both; in one process it goes there by itself. Then close the log before it:\nsigstack log mode read-only --log ${before.name}\n`
      : `The signing config sends clients there as soon as the trust service has seen it. When they have fetched that, end the log before it:\nsigstack log freeze --log ${before.name}\n`,
  )
}

/**
 * Having a log of Rekor v2 or CT followed by the next of its line, while both serve (docs/operations/log-operations.md). As with a rollover
 * the key comes first, because it has to be published before anything is signed with it; unlike there the log before goes on, since clients
 * learn of the next one at their own pace.
 */
import { isIP } from 'node:net'
import { parsePublicKey, quoted } from '@sigstack/crypto'
import {
  forgetNextKey,
  type LineRow,
  lineOf,
  listLine,
  migrateLogs,
  type NextLog,
  openNextLog,
  prepareNextLog,
  readNextLog,
} from '@sigstack/log-engine'
import type { Pool } from '@sigstack/postgres'
import { RekorLogError } from '../errors.ts'
import { isSearchedLog, migrateSearch } from '../search/store.ts'
import {
  assertKeysOfLog,
  makeNextKey,
  type NewKey,
  openPreparedKey,
  type PreparedKey,
  preparedKey,
} from './next-key.ts'

export type PreparedLog = PreparedKey & {
  /** In the database, and in commands. */
  readonly name: string
  readonly origin: string
}

export type Followed = {
  readonly before: { readonly name: string; readonly origin: string }
  readonly next: { readonly name: string; readonly origin: string }
}

/** What tells the next log from those before it, as its line has it. */
type Place = {
  /** Of Rekor v2: a host name of its own. */
  readonly host?: string
  /** Of CT: a path of its own, such as `/2027`. */
  readonly prefix?: string
}

const longestOrigin = 255

/**
 * Makes the key of the next log as `prepareRollover` does, and tells the log of it, which lists it from then on as one that will come. A
 * log that is prepared already stays; throws RekorLogError `bad_place` where it is another one, or is no name for the next of that line.
 */
export async function prepareFollowing(
  pool: Pool,
  log: string,
  { host, prefix, ...newKey }: NewKey & Place,
): Promise<PreparedLog> {
  const { line, logs } = await lineWith(pool, log)
  const place = placeAfter(logs, {
    ...(host !== undefined && { host }),
    ...(prefix !== undefined && { prefix }),
  })
  const options = { ...newKey, ...fitnessOf(line) }
  const known = await preparedIn(pool, line)
  if (known !== undefined) {
    if (known.origin !== place.origin)
      throw new RekorLogError(
        'bad_place',
        `${known.origin} is prepared to come next, and not ${place.origin}`,
      )
    await openPreparedKey(known, options)
    return known
  }
  if (options.isNewFolder !== true) await assertKeysOfLog(logs, options)
  const ending = options.keyUri === undefined ? 'pem' : 'uri'
  const keyFile = `${line.replaceAll('/', '-')}.${logs.length}.key.${ending}`
  const { publicKey } = await makeNextKey(options, keyFile)
  await prepareNextLog(pool, line, { ...place, publicKey: publicKey.spki, keyFile })
  return { ...preparedKey(keyFile, publicKey), ...place }
}

/** The log that is prepared to follow, if any. */
export async function preparedFollowing(pool: Pool, log: string): Promise<PreparedLog | undefined> {
  return preparedIn(pool, (await lineWith(pool, log)).line)
}

/** Takes it back; its key file stays, and is taken again by the next {@link prepareFollowing}. */
export async function cancelFollowing(pool: Pool, log: string): Promise<PreparedLog | undefined> {
  const { line } = await lineWith(pool, log)
  const known = await preparedIn(pool, line)
  if (known !== undefined) await forgetNextKey(pool, line)
  return known
}

/** Opens the prepared log, whose key must be opened by the password here first. The log before it goes on. */
export async function commitFollowing(
  pool: Pool,
  log: string,
  key: Pick<NewKey, 'keysFolder' | 'password'>,
): Promise<Followed> {
  const { line, logs } = await lineWith(pool, log)
  const next = await preparedIn(pool, line)
  if (next !== undefined) {
    await openPreparedKey(next, { ...key, ...fitnessOf(line) })
    if (isSearchedLog(next.name)) await migrateSearch(pool, { name: next.name })
  }
  await openNextLog(pool, line)
  const before = logs.at(-1)
  const opened = (await listLine(pool, line)).at(-1)
  if (before === undefined || opened === undefined) throw new Error('a line has at least one log')
  return {
    before: { name: before.name, origin: before.origin },
    next: { name: opened.name, origin: opened.origin },
  }
}

async function lineWith(
  pool: Pool,
  log: string,
): Promise<{ readonly line: string; readonly logs: readonly LineRow[] }> {
  await migrateLogs(pool)
  const line = await lineOf(pool, log)
  if (line === undefined) throw new RekorLogError('not_found', `this database holds no log ${log}`)
  return { line, logs: await listLine(pool, line) }
}

async function preparedIn(pool: Pool, line: string): Promise<PreparedLog | undefined> {
  const next: NextLog | undefined = await readNextLog(pool, line)
  if (next === undefined) return undefined
  const { name, origin, keyFile, publicKey } = next
  return { ...preparedKey(keyFile, parsePublicKey(publicKey)), name, origin }
}

/** Where only checkpoints are signed, Ed25519 is as good. */
function fitnessOf(line: string): { readonly takesEd25519: boolean } {
  return { takesEd25519: line === 'rekor-v2' }
}

/** A log of Rekor v2 is called by its host alone, one of CT by the URL that it is written to, without scheme. */
function placeAfter(
  logs: readonly LineRow[],
  { host, prefix }: Place,
): { readonly name: string; readonly origin: string } {
  const [first] = logs
  const line = first?.name ?? ''
  const place =
    line === 'rekor-v2'
      ? { name: `${line}/${logs.length}`, origin: hostOf(host, prefix) }
      : ctPlace(first, prefix, host)
  if (logs.some(({ origin }) => origin === place.origin))
    throw new RekorLogError('bad_place', `${place.origin} is a log of this line already`)
  return place
}

function hostOf(host: string | undefined, prefix: string | undefined): string {
  if (host === undefined || prefix !== undefined)
    throw new RekorLogError(
      'bad_place',
      'the next log of Rekor v2 needs a host name of its own, and nothing else',
    )
  const name = host.toLowerCase()
  if (isIP(name) === 0 && !/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/.test(name))
    throw new RekorLogError(
      'bad_place',
      `${quoted(host, 60)} is no host name: give it without scheme, port and path`,
    )
  return name
}

function ctPlace(first: LineRow | undefined, prefix: string | undefined, host: string | undefined) {
  if (prefix === undefined || host !== undefined)
    throw new RekorLogError(
      'bad_place',
      'the next CT log needs a path of its own, such as /2027, and nothing else',
    )
  if (!/^\/[A-Za-z0-9][A-Za-z0-9._-]{0,59}$/.test(prefix) || ['/ct', '/tile', '/issuer'].includes(prefix))
    throw new RekorLogError(
      'bad_place',
      `${quoted(prefix, 60)} is no path for a CT log: take one such as /2027`,
    )
  const own = (first?.name ?? '').slice('ct'.length)
  const origin = first?.origin ?? ''
  // One that was made under another prefix than it has now keeps its origin whole.
  const base = origin.endsWith(own) ? origin.slice(0, origin.length - own.length) : origin
  const place = { name: `ct${prefix}`, origin: `${base}${prefix}` }
  if (place.origin.length > longestOrigin)
    throw new RekorLogError('bad_place', `an origin has at most ${longestOrigin} characters`)
  return place
}

/**
 * Runs the PostgreSQL that npm ships on one data folder, durable as any other.
 *
 * The server listens on a Unix socket in its folder, or on 127.0.0.1 where the path is too long for one, and asks
 * for the password kept there. It lives in a session of its own, so that a Ctrl-C at the terminal reaches us alone
 * and open requests can finish first. When we are killed it stays behind, and the next start adopts it.
 *
 * An advisory lock, held by a connection, says who owns the folder: it ends with its process, however that ends.
 */
import { closeSync, openSync } from 'node:fs'
import { open, readFile, rm, stat, statfs, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from '../driver.ts'
import { isSilence, PostgresError } from '../errors.ts'
import { findBinaries } from './binaries.ts'
import {
  chooseListening,
  DATABASE,
  type DataDirectory,
  failureOf,
  prepareDataDirectory,
  USER,
} from './data-directory.ts'
import { endWithUs } from './end-with-us.ts'
import { endProcess, isAlive, mayServe, readPostmaster } from './postmaster.ts'
import { chooseAccount, spawnAs } from './run-as.ts'
import { type Listening, postgresArguments } from './settings.ts'

export type EmbeddedPostgresOptions = {
  readonly dataDirectory: string
  /** One line for a person whenever something takes longer than a moment. */
  readonly onProgress?: (message: string) => void
  /** Called once when the server ends without {@link EmbeddedPostgres.stop}. */
  readonly onExit?: (error: PostgresError) => void
  /**
   * For one that uses the folder and does not own it, as tools beside a stack and tests do. It ends no server that does not answer, and
   * its `stop` leaves a server running that has an owner or other users.
   */
  readonly shared?: boolean
  /** Includes the recovery after a crash, which reads up to 4 GB. Default 600,000 ms. */
  readonly startTimeoutMs?: number
  /** After which a server that says nothing, not even that it is busy, is taken for one that hangs. Default 15,000 ms. */
  readonly silenceLimitMs?: number
}

export type EmbeddedPostgres = {
  /** Holds the password: not for logs. */
  readonly connectionString: string
  readonly version: string
  readonly pid: number
  /** False when the server was already running. */
  readonly started: boolean
  /** Fast shutdown: open transactions are rolled back, committed ones are on disk. May be called again. */
  stop(): Promise<void>
}

/**
 * Starts the server of a data folder, or adopts the one that runs on it. Throws `data_directory_unusable`,
 * `data_directory_in_use` (by another living process of ours), `embedded_postgres_missing`, `embedded_postgres_failed`.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const onProgress = options.onProgress ?? (() => {})
  const binaries = await findBinaries()
  const account = await chooseAccount()
  const directory = await prepareDataDirectory(options.dataDirectory, binaries, account, onProgress)
  const deadline = performance.now() + (options.startTimeoutMs ?? 600_000)
  const isOwner = options.shared !== true
  const { silenceLimitMs = 15_000 } = options
  const running = await startAndTake(directory, { deadline, onProgress, isOwner, silenceLimitMs })
  const { session, pid } = running
  const release = isOwner ? endWithUs(pid) : () => {}
  await session.query(`create database ${DATABASE}`).catch((error: { code?: string }) => {
    // It exists, or another process makes it this very moment.
    if (error.code !== '42P04' && error.code !== '23505') throw error
  })
  const { rows } = await session.query(`select current_setting('server_version') as version`)

  let stopped: Promise<void> | undefined
  session.once('end', () => {
    // Whoever starts it again owns it again.
    release()
    if (stopped !== undefined || options.shared === true) return
    options.onExit?.(
      new PostgresError('embedded_postgres_failed', `the database server has ended; see ${directory.log}`),
    )
  })
  // A shared server is watched by nobody, and its users must not be kept running by it.
  if (options.shared === true) await session.end()

  return {
    connectionString: connectionStringFor(directory, running.listening, DATABASE),
    version: String(rows[0]?.version),
    pid,
    started: running.started,
    stop: () => {
      stopped ??= isOwner ? stopServer(pid, directory, session) : stopIfUnused(running, directory)
      return stopped
    },
  }
}

type Running = {
  readonly session: Client
  readonly pid: number
  readonly listening: Listening
  readonly started: boolean
}

type StartOptions = {
  readonly deadline: number
  readonly onProgress: (message: string) => void
  /** Of the folder: it alone may end a server that does not answer. */
  readonly isOwner: boolean
  readonly silenceLimitMs: number
}

async function startAndTake(directory: DataDirectory, options: StartOptions): Promise<Running> {
  for (;;) {
    const running = await startOrAdopt(directory, options)
    try {
      if (options.isOwner) await takeFolder(running.session, directory)
      return running
    } catch (error) {
      await running.session.end().catch(() => {})
      // Whoever started the server before us has just stopped it.
      if (error instanceof PostgresError || performance.now() > options.deadline) throw error
    }
  }
}

async function startOrAdopt(
  directory: DataDirectory,
  { deadline, onProgress, isOwner, silenceLimitMs }: StartOptions,
): Promise<Running> {
  const { cluster } = directory
  let launched: Launched | undefined
  let fresh = false
  const begunAt = performance.now()
  let told = false
  let silentSince = performance.now()
  for (;;) {
    const postmaster = await readPostmaster(cluster)
    if (postmaster !== undefined && isAlive(postmaster.pid)) {
      if (!(await mayServe(postmaster.pid, cluster)) && launched?.pid !== postmaster.pid) {
        // A number left by a crash now belongs to a stranger, and PostgreSQL would believe the file.
        await rm(path.join(cluster, 'postmaster.pid'), { force: true })
        continue
      }
      const answer = await connect(directory, postmaster.listening)
      if (answer.kind === 'session') {
        return { ...postmaster, session: answer.session, started: launched?.pid === postmaster.pid }
      }
      if (answer.kind === 'busy') {
        if (!told && performance.now() - begunAt > 1_000) {
          told = true
          onProgress(
            'waiting for the database, which is starting, recovers from a crash or is still stopping',
          )
        }
        silentSince = performance.now()
      }
      if (performance.now() - silentSince > silenceLimitMs) {
        if (!isOwner) throw doesNotAnswer(directory, `process ${postmaster.pid}`)
        await refuseOwned(directory)
        onProgress(`stopping a server that does not answer (process ${postmaster.pid})`)
        if (!(await endProcess(postmaster.pid, 'SIGQUIT', 5_000))) {
          await endProcess(postmaster.pid, 'SIGKILL', 5_000)
        }
        silentSince = performance.now()
      }
    } else if (launched === undefined) {
      launched = await launch(directory, await chooseListening(directory.path, fresh), isOwner)
      silentSince = performance.now()
    }
    if (launched?.exited === true) {
      const said = await textAfter(directory.log, launched.logOffset)
      fresh = /could not bind/.test(said)
      // Another start was faster, or the children of a killed server are not all gone yet: look again.
      if (
        !fresh &&
        !/lock file "postmaster.pid" already exists|pre-existing shared memory block/.test(said)
      ) {
        throw failureOf(said, `the database in ${directory.path} did not start (see ${directory.log})`)
      }
      launched = undefined
      await sleep(50)
    }
    if (performance.now() > deadline) {
      throw new PostgresError(
        'embedded_postgres_failed',
        `the database in ${directory.path} did not become ready in time; see ${directory.log}`,
      )
    }
    await sleep(10)
  }
}

function doesNotAnswer(directory: DataDirectory, which: string): PostgresError {
  return new PostgresError(
    'embedded_postgres_failed',
    `the database server of ${directory.path} (${which}) does not answer, and is not ours to end: look at ${directory.log}, and start its stack again`,
  )
}

/** A server that hangs cannot say who owns it, so its owner has written that down. */
async function refuseOwned(directory: DataDirectory): Promise<void> {
  const owner = Number(await readFile(ownerFile(directory), 'utf8').catch(() => ''))
  if (owner > 0 && owner !== process.pid && isAlive(owner)) throw inUse(directory, ` (process ${owner})`)
}

function ownerFile(directory: DataDirectory): string {
  return path.join(directory.path, 'owner')
}

function inUse(directory: DataDirectory, owner = ''): PostgresError {
  return new PostgresError(
    'data_directory_in_use',
    `the data folder ${directory.path} is in use by another running program${owner}: stop that one first or choose another folder`,
  )
}

type Launched = { readonly pid: number; readonly logOffset: number; exited: boolean }

async function launch(directory: DataDirectory, listening: Listening, isOwner: boolean): Promise<Launched> {
  const logOffset = (await stat(directory.log).catch(() => undefined))?.size ?? 0
  const { bavail, bsize } = await statfs(directory.cluster)
  const log = openSync(directory.log, 'a', 0o600)
  try {
    const child = spawnAs(
      directory.account,
      directory.binaries.postgres,
      postgresArguments(directory.cluster, listening, bavail * bsize),
      { cwd: directory.path, detached: true, stdio: ['ignore', log, log] },
    )
    const launched = { pid: child.pid ?? -1, logOffset, exited: false }
    const release = isOwner && child.pid !== undefined ? endWithUs(child.pid) : () => {}
    const ended = () => {
      launched.exited = true
      release()
    }
    child.once('error', ended)
    child.once('exit', ended)
    child.unref()
    return launched
  } finally {
    closeSync(log)
  }
}

type Answer =
  | { readonly kind: 'session'; readonly session: Client }
  /** Starting, recovering or stopping. */
  | { readonly kind: 'busy' }
  | { readonly kind: 'silent' }

async function connect(directory: DataDirectory, listening: Listening): Promise<Answer> {
  const session = new Client({
    connectionString: connectionStringFor(directory, listening, 'postgres'),
    connectionTimeoutMillis: 2_000,
    application_name: 'sigstack owner of the data folder',
  })
  session.on('error', () => {})
  try {
    await session.connect()
    return { kind: 'session', session }
  } catch (error) {
    await session.end().catch(() => {})
    return answerOf(error, directory)
  }
}

/** What a server says is an answer, also when it is a refusal: only one that says nothing is silent. */
function answerOf(error: unknown, { path: folder }: DataDirectory): Answer {
  const { code, message } = error as { code?: string; message: string }
  if (code === '28P01') {
    throw new PostgresError(
      'data_directory_unusable',
      `the server of ${folder} does not accept the password in that folder: restore the file or choose another folder`,
    )
  }
  // Starting, stopping, recovering; full, or so it says with its backlog of connections.
  if (code !== undefined && /^(57P0.|53...|EAGAIN)$/.test(code)) return { kind: 'busy' }
  if (isSilence(error)) return { kind: 'silent' }
  throw new PostgresError('embedded_postgres_failed', `the server of ${folder} refuses: ${message}`, {
    cause: error,
  })
}

const OWNER_LOCK = 0x5167

async function takeFolder(session: Client, directory: DataDirectory): Promise<void> {
  // The server notices the death of the owner before us within moments.
  for (let attempt = 0; attempt < 10; attempt++) {
    if (await takeLock(session)) return writeFile(ownerFile(directory), String(process.pid), { mode: 0o600 })
    await sleep(100)
  }
  throw inUse(directory)
}

async function takeLock(session: Client): Promise<boolean> {
  const { rows } = await session.query<{ taken: boolean }>(
    'select pg_try_advisory_lock($1::int, 1) as taken',
    [OWNER_LOCK],
  )
  return rows[0]?.taken === true
}

/** A stack may have adopted the server meanwhile, or another tool be at work on it. */
async function stopIfUnused({ pid, listening }: Running, directory: DataDirectory): Promise<void> {
  const answer = await connect(directory, listening)
  if (answer.kind !== 'session') return
  const { session } = answer
  const isUnused = await takeLock(session)
    .then((taken) => taken && isAlone(session))
    .catch(() => false)
  if (isUnused) return stopServer(pid, directory, session)
  await session.end().catch(() => {})
}

async function isAlone(session: Client): Promise<boolean> {
  // A connection that was just closed is still counted for a moment.
  for (let attempt = 0; attempt < 10; attempt++) {
    const { rows } = await session.query(
      `select from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid() limit 1`,
    )
    if (rows.length === 0) return true
    await sleep(50)
  }
  return false
}

async function stopServer(pid: number, directory: DataDirectory, session: Client): Promise<void> {
  const maySignal = await mayServe(pid, directory.cluster)
  // The session is ended by the server, and with it the lock that keeps others from adopting a server that stops.
  const gone = maySignal ? await endProcess(pid, 'SIGINT', 30_000) : true
  await session.end().catch(() => {})
  if (!gone && (await mayServe(pid, directory.cluster))) await endProcess(pid, 'SIGQUIT', 5_000)
}

function connectionStringFor(directory: DataDirectory, listening: Listening, database: string): string {
  const user = `${USER}:${encodeURIComponent(directory.password)}`
  return 'socketDirectory' in listening
    ? `postgresql://${user}@localhost:${listening.port}/${database}?host=${encodeURIComponent(listening.socketDirectory)}`
    : `postgresql://${user}@${listening.host}:${listening.port}/${database}`
}

async function textAfter(file: string, offset: number): Promise<string> {
  const handle = await open(file)
  try {
    const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(16_384), position: offset })
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await handle.close()
  }
}

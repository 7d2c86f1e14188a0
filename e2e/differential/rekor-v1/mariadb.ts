/** A MariaDB of our own for Trillian: on a socket in its folder, with no port. */
import { userInfo } from 'node:os'
import path from 'node:path'
import { startProgram } from '../../support/program.ts'
import { requireProgram } from '../../support/upstream/tools.ts'
import type { Workshop } from '../../support/workshop.ts'

export type Mariadb = {
  /** As Go's driver writes it. */
  readonly dataSourceName: string
  stop(): Promise<void>
}

export async function requireMariadb(workshop: Workshop): Promise<void> {
  for (const program of ['mariadbd', 'mariadb']) await requireProgram(workshop, program)
}

/** `schemaFile` is SQL that is run once, in a database of its own. */
export async function startMariadb(options: {
  readonly workshop: Workshop
  readonly folder: string
  readonly schemaFile: string
}): Promise<Mariadb> {
  const { workshop, folder, schemaFile } = options
  const { username } = userInfo()
  const dataFolder = path.join(folder, 'mariadb')
  const socket = path.join(folder, 'mariadb.sock')
  await workshop.run('mariadb-install-db', [
    '--no-defaults',
    `--datadir=${dataFolder}`,
    `--user=${username}`,
    '--auth-root-authentication-method=normal',
    '--skip-test-db',
  ])
  const execute = (sql: string) =>
    workshop.run('mariadb', ['--no-defaults', `--socket=${socket}`, '--user=root', `--execute=${sql}`])
  await using starting = new AsyncDisposableStack()
  const server = await startProgram({
    name: 'mariadbd',
    command: 'mariadbd',
    args: [
      '--no-defaults',
      `--datadir=${dataFolder}`,
      `--socket=${socket}`,
      '--skip-networking',
      `--user=${username}`,
    ],
    logFile: path.join(folder, 'mariadb.log'),
    isReady: async () => {
      await execute('select 1')
      return true
    },
  })
  starting.defer(() => server.stop())
  await execute(`create database trillian; use trillian;\nsource ${schemaFile}`)
  const running = starting.move()
  return { dataSourceName: `root@unix(${socket})/trillian`, stop: () => running.disposeAsync() }
}

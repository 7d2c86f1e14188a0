/** A log of ours in one face, as a process of its own on a database of its own. */

import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { startEmbeddedPostgres } from '@sigstack/postgres'
import { freePorts } from '@sigstack/server/free-ports'
import { programOf } from '@sigstack/server/program'
import { answers, startProgram } from '../support/program.ts'

export type OurLog = {
  readonly url: string
  /** PEM. */
  readonly publicKey: string
  stop(): Promise<void>
}

const main = new URL('../../services/log/src/main.ts', import.meta.url)
const publicKeyPath = { ct: '/publicKey', 'rekor-v1': '/api/v1/log/publicKey', 'rekor-v2': '/publicKey' }

export async function startOurLog(options: {
  readonly face: keyof typeof publicKeyPath
  readonly folder: string
  readonly environment?: Readonly<Record<string, string>>
}): Promise<OurLog> {
  const { face, folder, environment = {} } = options
  await mkdir(folder, { recursive: true })
  await using starting = new AsyncDisposableStack()
  const database = await startEmbeddedPostgres({ dataDirectory: path.join(folder, 'database') })
  starting.defer(() => database.stop())
  const [port = 0] = await freePorts(1)
  const url = `http://127.0.0.1:${port}`
  const log = await startProgram({
    name: `our ${face} log`,
    command: process.execPath,
    args: programOf(main),
    environment: {
      LOG_FACE: face,
      LOG_PORT: String(port),
      LOG_HOSTNAME: '127.0.0.1',
      DATABASE_URL: database.connectionString,
      LOG_KEY: path.join(folder, 'log.key.pem'),
      LOG_KEY_PASSWORD: randomBytes(16).toString('hex'),
      LOG_LEVEL: 'warn',
      ...environment,
    },
    logFile: path.join(folder, 'log.log'),
    isReady: () => answers(`${url}/readyz`),
  })
  starting.defer(() => log.stop())
  const publicKey = await (await fetch(`${url}${publicKeyPath[face]}`)).text()
  const running = starting.move()
  return { url, publicKey, stop: () => running.disposeAsync() }
}

/** Our log and upstream's Rekor, side by side, with the same limits and the same host name. */
import { randomBytes } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { freePorts } from '@sigstack/server/free-ports'
import { answers, startProgram } from '../../support/program.ts'
import {
  type InstalledTool,
  installTool,
  requireProgram,
  trillianSources,
} from '../../support/upstream/tools.ts'
import type { Workshop } from '../../support/workshop.ts'
import { startOurLog } from '../our-log.ts'
import { requireMariadb, startMariadb } from './mariadb.ts'

export type RekorServer = {
  readonly url: string
  stop(): Promise<void>
}

/** What the machine has of upstream's Rekor. */
export type RekorTools = {
  readonly rekor: InstalledTool
  readonly logServer: InstalledTool
  readonly logSigner: InstalledTool
  readonly schemaFile: string
}

export const bodyLimitBytes = 2 * 1024 * 1024
const hostname = '127.0.0.1'

/** Throws an InteropError with code `missing` when a part cannot be had. */
export async function installRekor(workshop: Workshop): Promise<RekorTools> {
  await requireMariadb(workshop)
  await requireProgram(workshop, 'redis-server')
  return {
    rekor: await installTool(workshop, 'rekor-server'),
    logServer: await installTool(workshop, 'trillian-log-server'),
    logSigner: await installTool(workshop, 'trillian-log-signer'),
    schemaFile: path.join(await trillianSources(workshop), 'storage/mysql/schema/storage.sql'),
  }
}

export async function startOurs(folder: string): Promise<RekorServer> {
  return startOurLog({
    face: 'rekor-v1',
    folder: path.join(folder, 'ours'),
    environment: {
      LOG_HOSTNAME: hostname,
      LOG_BODY_LIMIT_BYTES: String(bodyLimitBytes),
      LOG_ATTESTATIONS: 'store',
    },
  })
}

export async function startUpstream(options: {
  readonly workshop: Workshop
  readonly tools: RekorTools
  readonly folder: string
}): Promise<RekorServer> {
  const { workshop, tools } = options
  const folder = path.join(options.folder, 'upstream')
  await mkdir(folder)
  await using starting = new AsyncDisposableStack()
  const database = await startMariadb({ workshop, folder, schemaFile: tools.schemaFile })
  starting.defer(() => database.stop())
  const trillianPort = await startTrillian(tools, database.dataSourceName, folder, starting)
  const redis = await startRedis(folder, starting)
  const [port = 0] = await freePorts(1)
  const url = `http://127.0.0.1:${port}`
  const rekor = await startProgram({
    name: 'rekor-server',
    command: tools.rekor.command,
    args: [
      'serve',
      '--log_type=prod',
      '--rekor_server.address=127.0.0.1',
      `--port=${port}`,
      `--rekor_server.hostname=${hostname}`,
      '--rekor_server.signer=memory',
      `--trillian_log_server.port=${trillianPort}`,
      `--redis_server.port=${redis.port}`,
      `--redis_server.password=${redis.password}`,
      `--max_request_body_size=${bodyLimitBytes}`,
      '--enable_attestation_storage',
      '--attestation_storage_bucket=mem://',
    ],
    logFile: path.join(folder, 'rekor.log'),
    isReady: () => answers(`${url}/api/v1/log/publicKey`),
  })
  starting.defer(() => rekor.stop())
  const running = starting.move()
  return { url, stop: () => running.disposeAsync() }
}

/** Log server and log signer, with the batches and the interval of the public instance; returns the port of the former. */
async function startTrillian(
  { logServer, logSigner }: RekorTools,
  dataSourceName: string,
  folder: string,
  running: AsyncDisposableStack,
): Promise<number> {
  const start = async (name: string, command: string, more: readonly string[]): Promise<number> => {
    const [port = 0, httpPort = 0] = await freePorts(2)
    const program = await startProgram({
      name,
      command,
      args: [
        `--rpc_endpoint=127.0.0.1:${port}`,
        `--http_endpoint=127.0.0.1:${httpPort}`,
        '--storage_system=mysql',
        `--mysql_uri=${dataSourceName}`,
        '--quota_system=noop',
        ...more,
      ],
      logFile: path.join(folder, `${name}.log`),
      isReady: () => answers(`http://127.0.0.1:${httpPort}/healthz`),
    })
    running.defer(() => program.stop())
    return port
  }
  const port = await start('trillian-log-server', logServer.command, [])
  await start('trillian-log-signer', logSigner.command, [
    '--force_master',
    '--batch_size=1000',
    '--sequencer_interval=100ms',
    '--sequencer_guard_window=0s',
  ])
  return port
}

async function startRedis(folder: string, running: AsyncDisposableStack) {
  const [port = 0] = await freePorts(1)
  const password = randomBytes(16).toString('hex')
  const logFile = path.join(folder, 'redis.log')
  const redis = await startProgram({
    name: 'redis-server',
    command: 'redis-server',
    args: ['--bind', '127.0.0.1', '--port', String(port), '--requirepass', password, '--save', ''],
    logFile,
    isReady: async () => (await readFile(logFile, 'utf8')).includes('Ready to accept connections'),
  })
  running.defer(() => redis.stop())
  return { port, password }
}

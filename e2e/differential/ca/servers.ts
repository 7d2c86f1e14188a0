/** Our stack and upstream's Fulcio, side by side: one configuration, the same issuers, a log of ours behind each. */
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { freePorts } from '@sigstack/server/free-ports'
import { answers, startProgram } from '../../support/program.ts'
import { startStackProcess } from '../../support/stack-process.ts'
import { startOurLog } from '../our-log.ts'
import { writeAuthority } from './authority.ts'
import { logIdOf } from './certificate-facts.ts'
import { issuerConfiguration, issuerKinds, nameOf } from './issuer-kinds.ts'
import type { TokenIssuer } from './token-issuer.ts'

export type CaServer = {
  readonly url: string
  /** Of the log that its certificates are in. */
  readonly logId: Uint8Array
  stop(): Promise<void>
}

export async function writeIssuerConfiguration(folder: string, issuer: TokenIssuer): Promise<string> {
  const file = path.join(folder, 'issuers.yaml')
  await writeFile(file, await issuerConfiguration(issuer.url))
  return file
}

export async function startOurs(options: {
  readonly folder: string
  readonly configFile: string
  readonly issuer: TokenIssuer
}): Promise<CaServer> {
  const { folder, configFile, issuer } = options
  const stack = await startStackProcess({
    dataDirectory: path.join(folder, 'ours'),
    environment: {
      SIGSTACK_TRIAL: '0',
      SIGSTACK_CA_CONFIG_FILE: configFile,
      SIGSTACK_PRIVATE_ISSUERS: issuerKinds.map((kind) => nameOf(kind, issuer.url)).join(','),
    },
  })
  const { ca = '', ct = '' } = stack.endpoints.services
  const logKey = await (await fetch(`${ct}/publicKey`)).text()
  return { url: ca, logId: logIdOf(logKey), stop: async () => void (await stack.stop()) }
}

export async function startUpstream(options: {
  readonly folder: string
  readonly configFile: string
  readonly command: string
}): Promise<CaServer> {
  const { configFile, command } = options
  const folder = path.join(options.folder, 'upstream')
  await mkdir(folder)
  const { chainFile, rootFile, keyFile, password } = await writeAuthority(folder)
  await using starting = new AsyncDisposableStack()
  const log = await startOurLog({
    face: 'ct',
    folder: path.join(folder, 'ct'),
    environment: { CT_ROOTS_FILE: rootFile },
  })
  starting.defer(() => log.stop())
  const logKeyFile = path.join(folder, 'ct.pub.pem')
  await writeFile(logKeyFile, log.publicKey)
  const [port = 0, grpcPort = 0, metricsPort = 0] = await freePorts(3)
  const url = `http://127.0.0.1:${port}`
  const fulcio = await startProgram({
    name: 'fulcio',
    command,
    args: [
      'serve',
      '--host=127.0.0.1',
      `--port=${port}`,
      '--grpc-host=127.0.0.1',
      `--grpc-port=${grpcPort}`,
      `--metrics-port=${metricsPort}`,
      `--legacy-unix-domain-socket=${path.join(folder, 'legacy.sock')}`,
      '--ca=fileca',
      `--fileca-cert=${chainFile}`,
      `--fileca-key=${keyFile}`,
      `--fileca-key-passwd=${password}`,
      '--fileca-watch=false',
      `--ct-log-url=${log.url}`,
      `--ct-log-public-key-path=${logKeyFile}`,
      `--config-path=${configFile}`,
    ],
    logFile: path.join(folder, 'fulcio.log'),
    isReady: () => answers(`${url}/healthz`),
  })
  starting.defer(() => fulcio.stop())
  const running = starting.move()
  return { url, logId: logIdOf(log.publicKey), stop: () => running.disposeAsync() }
}

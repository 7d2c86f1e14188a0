/** Our stack and upstream's Fulcio, side by side: one configuration, the same issuers, a log of ours behind each. */
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { startStackProcess } from '../../support/stack-process.ts'
import { writeAuthority } from '../../support/upstream/ca-authority.ts'
import { startFulcio } from '../../support/upstream/fulcio.ts'
import { startOurLog } from '../our-log.ts'
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
  const authority = await writeAuthority(folder)
  await using starting = new AsyncDisposableStack()
  const log = await startOurLog({
    face: 'ct',
    folder: path.join(folder, 'ct'),
    environment: { CT_ROOTS_FILE: authority.rootFile },
  })
  starting.defer(() => log.stop())
  const logKeyFile = path.join(folder, 'ct.pub.pem')
  await writeFile(logKeyFile, log.publicKey)
  const fulcio = await startFulcio({
    command,
    folder,
    authority,
    configFile,
    ctLog: { url: log.url, keyFile: logKeyFile },
  })
  starting.defer(() => fulcio.stop())
  const running = starting.move()
  return { url: fulcio.url, logId: logIdOf(log.publicKey), stop: () => running.disposeAsync() }
}

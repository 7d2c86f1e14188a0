/** Our log and upstream's of Rekor v2, side by side, with the same limits and the same host name. */
import { generateKeyPairSync } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { type PublicKey, parsePublicKeyPem } from '@sigstack/crypto'
import { freePorts } from '@sigstack/server/free-ports'
import { startOurLog } from '../our-log.ts'
import { answers, startProgram } from '../program.ts'

export type Side = { readonly url: string; readonly publicKey: PublicKey }
export type TileLog = Side & { stop(): Promise<void> }

/** The origin of both, and the name of their keys. */
export const hostname = '127.0.0.1'
export const bodyLimitBytes = 256 * 1024

export async function startOurs(folder: string): Promise<TileLog> {
  const { url, publicKey, stop } = await startOurLog({
    face: 'rekor-v2',
    folder: path.join(folder, 'ours'),
    environment: {
      LOG_HOSTNAME: hostname,
      LOG_BODY_LIMIT_BYTES: String(bodyLimitBytes),
      // As upstream has them.
      LOG_DUPLICATES: 'conflict',
      LOG_DSSE: 'reject',
    },
  })
  return { url, publicKey: parsePublicKeyPem(publicKey), stop }
}

export async function startUpstream(folder: string, command: string): Promise<TileLog> {
  const own = path.join(folder, 'upstream')
  const keyFile = path.join(own, 'key.pem')
  await mkdir(own, { recursive: true })
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  await writeFile(keyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
  const [port = 0, grpcPort = 0, metricsPort = 0] = await freePorts(3)
  const url = `http://127.0.0.1:${port}`
  const { stop } = await startProgram({
    name: 'rekor-tiles',
    command,
    args: [
      'serve',
      '--http-address=127.0.0.1',
      `--http-port=${port}`,
      '--grpc-address=127.0.0.1',
      `--grpc-port=${grpcPort}`,
      `--http-metrics-port=${metricsPort}`,
      `--hostname=${hostname}`,
      `--storage-dir=${path.join(own, 'tiles')}`,
      `--signer-filepath=${keyFile}`,
      `--max-request-body-size=${bodyLimitBytes}`,
      // The default of ten seconds would be that of every accepted request.
      '--batch-max-age=10ms',
      '--checkpoint-interval=1s',
    ],
    logFile: path.join(own, 'log.log'),
    isReady: () => answers(`${url}/healthz`),
  })
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
  return { url, publicKey: parsePublicKeyPem(pem), stop }
}

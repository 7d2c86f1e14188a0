/** Upstream's server of Rekor v2 with its POSIX backend, on a key of its own. */
import { generateKeyPairSync } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { type PublicKey, parsePublicKeyPem } from '@sigstack/crypto'
import { freePorts } from '@sigstack/server/free-ports'
import { answers, type Program, startProgram } from '../program.ts'

export type RekorTiles = Program & { readonly url: string; readonly publicKey: PublicKey }

export async function startRekorTiles(options: {
  readonly command: string
  /** Made, and its alone. */
  readonly folder: string
  /** Its origin and the name of its key. */
  readonly hostname: string
  readonly bodyLimitBytes: number
}): Promise<RekorTiles> {
  const { command, folder, hostname, bodyLimitBytes } = options
  const keyFile = path.join(folder, 'key.pem')
  await mkdir(folder, { recursive: true })
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  await writeFile(keyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
  const [port = 0, grpcPort = 0, metricsPort = 0] = await freePorts(3)
  const url = `http://127.0.0.1:${port}`
  const program = await startProgram({
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
      `--storage-dir=${path.join(folder, 'tiles')}`,
      `--signer-filepath=${keyFile}`,
      `--max-request-body-size=${bodyLimitBytes}`,
      // The default of ten seconds would be that of every accepted request.
      '--batch-max-age=10ms',
      '--checkpoint-interval=1s',
    ],
    logFile: path.join(folder, 'log.log'),
    isReady: () => answers(`${url}/healthz`),
  })
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
  return { ...program, url, publicKey: parsePublicKeyPem(pem) }
}

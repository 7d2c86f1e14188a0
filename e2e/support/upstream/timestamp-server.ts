/** Upstream's timestamp authority over a key in a file. It always opens port 2112 for its metrics: one at a time. */
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { freePorts } from '@sigstack/server/free-ports'
import { answers, type Program, startProgram } from '../program.ts'
import type { StampingKey } from './stamping-key.ts'

export async function startTimestampServer(options: {
  readonly command: string
  readonly folder: string
  readonly key: StampingKey
  /** OIDs. */
  readonly defaultPolicy: string
  readonly acceptedPolicies: readonly string[]
  readonly bodyLimitBytes: number
  readonly includesChain: boolean
  readonly successStatus: 200 | 201
}): Promise<Program & { readonly url: string }> {
  const { command, folder, key, defaultPolicy } = options
  await mkdir(folder, { recursive: true })
  const [port = 0] = await freePorts(1)
  const url = `http://127.0.0.1:${port}`
  const program = await startProgram({
    name: 'timestamp-server',
    command,
    args: [
      'serve',
      '--host=127.0.0.1',
      `--port=${port}`,
      '--log-type=prod',
      '--timestamp-signer=file',
      `--timestamp-signer-hash=${key.curve === 'P-256' ? 'sha256' : 'sha384'}`,
      `--file-signer-key-path=${key.keyFile}`,
      `--certificate-chain-path=${key.chainFile}`,
      `--default-policy-oid=${defaultPolicy}`,
      `--accepted-policy-oids=${[defaultPolicy, ...options.acceptedPolicies].join(',')}`,
      `--max-request-body-size=${options.bodyLimitBytes}`,
      `--include-chain-in-response=${options.includesChain}`,
      `--use-http-201=${options.successStatus === 201}`,
      '--disable-ntp-monitoring',
    ],
    logFile: path.join(folder, 'upstream.log'),
    isReady: () => answers(`${url}/ping`),
  })
  return { ...program, url }
}

/** Our timestamp authority and upstream's, over one key. */

import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { freePorts } from '@sigstack/server/free-ports'
import { programOf } from '@sigstack/server/program'
import { answers, startProgram } from '../program.ts'
import type { StampingKey } from './authority.ts'

export type StampServer = { readonly url: string; stop(): Promise<void> }

/** The ways in which an operator may run them; each is compared. */
export type Manner = {
  readonly name: string
  readonly curve: StampingKey['curve']
  readonly includesChain: boolean
  readonly successStatus: 200 | 201
}

export const manners: readonly Manner[] = [
  { name: 'P-256', curve: 'P-256', includesChain: false, successStatus: 200 },
  { name: 'P-384 with its chain and 201', curve: 'P-384', includesChain: true, successStatus: 201 },
]

export const bodyLimitBytes = 64 * 1024
export const defaultPolicy = '1.3.6.1.4.1.57264.2'
/** Beside the default one. */
export const acceptedPolicy = '1.2.3.4.5.2147483647'

const main = new URL('../../../services/tsa/src/main.ts', import.meta.url)

export async function startOurs(
  folder: string,
  { keyFile, chainFile }: StampingKey,
  manner: Manner,
): Promise<StampServer> {
  const [port = 0] = await freePorts(1)
  const url = `http://127.0.0.1:${port}`
  const { stop } = await startProgram({
    name: 'our timestamp authority',
    command: process.execPath,
    args: programOf(main),
    environment: {
      TSA_PORT: String(port),
      TSA_DATA: path.join(folder, 'ours'),
      TSA_KEY: `file:${keyFile}`,
      TSA_CHAIN_FILE: chainFile,
      TSA_DEFAULT_POLICY: defaultPolicy,
      TSA_ACCEPTED_POLICIES: acceptedPolicy,
      TSA_INCLUDE_CHAIN: manner.includesChain ? '1' : '0',
      TSA_SUCCESS_STATUS: String(manner.successStatus),
      TSA_BODY_LIMIT_BYTES: String(bodyLimitBytes),
      LOG_LEVEL: 'warn',
    },
    logFile: path.join(folder, 'ours.log'),
    isReady: () => answers(`${url}/readyz`),
  })
  return { url, stop }
}

/** It always opens port 2112 for its metrics. */
export async function startUpstream(
  folder: string,
  command: string,
  { curve, keyFile, chainFile }: StampingKey,
  manner: Manner,
): Promise<StampServer> {
  await mkdir(folder, { recursive: true })
  const [port = 0] = await freePorts(1)
  const url = `http://127.0.0.1:${port}`
  const { stop } = await startProgram({
    name: 'timestamp-server',
    command,
    args: [
      'serve',
      '--host=127.0.0.1',
      `--port=${port}`,
      '--log-type=prod',
      '--timestamp-signer=file',
      `--timestamp-signer-hash=${curve === 'P-256' ? 'sha256' : 'sha384'}`,
      `--file-signer-key-path=${keyFile}`,
      `--certificate-chain-path=${chainFile}`,
      `--default-policy-oid=${defaultPolicy}`,
      `--accepted-policy-oids=${defaultPolicy},${acceptedPolicy}`,
      `--max-request-body-size=${bodyLimitBytes}`,
      `--include-chain-in-response=${manner.includesChain}`,
      `--use-http-201=${manner.successStatus === 201}`,
      '--disable-ntp-monitoring',
    ],
    logFile: path.join(folder, 'upstream.log'),
    isReady: () => answers(`${url}/ping`),
  })
  return { url, stop }
}

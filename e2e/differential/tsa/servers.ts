/** Our timestamp authority and upstream's, over one key. */

import path from 'node:path'
import { freePorts } from '@sigstack/server/free-ports'
import { programOf } from '@sigstack/server/program'
import { answers, startProgram } from '../../support/program.ts'
import type { StampingKey } from '../../support/upstream/stamping-key.ts'
import { startTimestampServer } from '../../support/upstream/timestamp-server.ts'

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

export async function startUpstream(
  folder: string,
  command: string,
  key: StampingKey,
  manner: Manner,
): Promise<StampServer> {
  return startTimestampServer({
    command,
    folder,
    key,
    defaultPolicy,
    acceptedPolicies: [acceptedPolicy],
    bodyLimitBytes,
    ...manner,
  })
}

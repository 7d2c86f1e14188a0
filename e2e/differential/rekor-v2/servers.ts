/** Our log and upstream's of Rekor v2, side by side, with the same limits and the same host name. */
import path from 'node:path'
import { type PublicKey, parsePublicKeyPem } from '@sigstack/crypto'
import { startRekorTiles } from '../../support/upstream/rekor-tiles.ts'
import { startOurLog } from '../our-log.ts'

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
  return startRekorTiles({ command, folder: path.join(folder, 'upstream'), hostname, bodyLimitBytes })
}

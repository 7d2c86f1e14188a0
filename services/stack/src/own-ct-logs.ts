/** The CT logs of this process as its CA asks them: the newest first, and behind it those that it followed. */
import type { CtLogPlace } from '@sigstack/ca'
import { parsePublicKeyPem } from '@sigstack/crypto'
import type { RunningLog } from '@sigstack/log'

/** Asked again it has those that were opened since. */
export function ownCtLogs(ct: Pick<RunningLog, 'logs'>, insideUrl: string): () => readonly CtLogPlace[] {
  let places: readonly CtLogPlace[] = []
  return () => {
    const logs = ct.logs()
    if (logs.length !== places.length)
      places = logs.toReversed().map(({ pathPrefix, publicKeyPem }) => ({
        url: `${insideUrl}${pathPrefix}`,
        publicKey: parsePublicKeyPem(publicKeyPem),
      }))
    return places
  }
}

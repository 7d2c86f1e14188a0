/**
 * The library wants a checkpoint's signer to be named in its log's URL. For Rekor v1 that is no rule: such logs
 * may sign under an internal host name, and Go clients match by key alone. Key hint and key are compared as ever.
 */
import type { TransparencyLogEntry } from '@sigstore/bundle'
import type { TrustMaterial } from '@sigstore/verify'

const signatureLine = /^— (\S{1,512}) [A-Za-z0-9+/=]+$/gm
/** First line of a Rekor v1 checkpoint: name, hyphen, number of the tree. */
const v1Origin = /^.{1,512} - \d{1,20}\n/

export function withV1CheckpointNames(
  trust: TrustMaterial,
  entries: readonly TransparencyLogEntry[],
): TrustMaterial {
  const names = entries.flatMap(({ inclusionPromise, inclusionProof, logId }) => {
    const envelope = inclusionProof?.checkpoint?.envelope
    if (inclusionPromise === undefined || envelope === undefined || !v1Origin.test(envelope)) return []
    return [...envelope.matchAll(signatureLine)].map(([, name = '']) => ({ logId: logId.keyId, name }))
  })
  return {
    ...trust,
    tlogs: trust.tlogs.map((log) => ({
      ...log,
      baseURL: [
        log.baseURL,
        ...names.filter(({ logId }) => logId.equals(log.logID)).map(({ name }) => name),
      ].join(' '),
    })),
  }
}

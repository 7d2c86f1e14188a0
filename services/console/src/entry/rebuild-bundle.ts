/** The bundle of an entry that holds all of one: certificate or key, signature and digest are in it, and the log gives the proof. */
import { encodeBundle, keyHintOf } from '@sigstack/signing'
import type { EntryView } from './read-entry.ts'

/** Undefined where something of it is not in the log, as the envelope of an attestation. */
export function rebuildBundle({ entry, body }: EntryView): string | undefined {
  const { signed, kind, apiVersion } = body
  const { logIndex, logId, integratedTime, promise, proof } = entry
  const [signer] = body.signers
  const certificate = signer?.certificates[0]
  if (signed === undefined || proof?.checkpoint === undefined) return undefined
  return encodeBundle({
    version: '0.3',
    material:
      certificate === undefined ? { keyHint: keyHintOf(signed.key()) } : { certificate: certificate.der },
    entries: [
      {
        logIndex,
        logId,
        kind,
        version: apiVersion,
        integratedTime: BigInt(integratedTime),
        body: entry.body,
        ...(promise !== undefined && { promise }),
        proof: { ...proof, logIndex: proof.leafIndex },
      },
    ],
    timestamps: [],
    content: {
      type: 'message',
      algorithm: signed.algorithm,
      digest: signed.digest,
      signature: signed.signature,
    },
  })
}

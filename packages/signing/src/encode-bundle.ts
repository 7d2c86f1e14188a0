/**
 * A bundle as text: proto3 JSON of sigstore_bundle.proto, version 0.3, with members in the order of the
 * schema.
 */

import type { PublicKey } from '@sigstack/crypto'
import { type HashAlgorithm, type JsonValue, sha256, toBase64 } from '@sigstack/crypto'
import type { Bundle, Envelope, LogEntry } from '@sigstack/verification'

export const bundleMediaType = 'application/vnd.dev.sigstore.bundle.v0.3+json'

/** By which a bundle names the public key of its signer, as cosign does. */
export function keyHintOf({ spki }: Pick<PublicKey, 'spki'>): string {
  return toBase64(sha256(spki))
}

/** On one line, without an end of it. A bundle of an older version becomes one of 0.3. */
export function encodeBundle({ material, entries, timestamps, content }: Bundle): string {
  return JSON.stringify({
    mediaType: bundleMediaType,
    verificationMaterial: {
      ...('certificate' in material
        ? { certificate: { rawBytes: toBase64(material.certificate) } }
        : { publicKey: { hint: material.keyHint } }),
      ...(entries.length > 0 && { tlogEntries: entries.map(encodeEntry) }),
      ...(timestamps.length > 0 && {
        timestampVerificationData: {
          rfc3161Timestamps: timestamps.map((each) => ({ signedTimestamp: toBase64(each) })),
        },
      }),
    },
    ...(content.type === 'envelope'
      ? { dsseEnvelope: envelopeMembers(content) }
      : {
          messageSignature: {
            messageDigest: { algorithm: nameOf[content.algorithm], digest: toBase64(content.digest) },
            signature: toBase64(content.signature),
          },
        }),
  })
}

/** The DSSE envelope alone, as logs and old attestations hold it. */
export function encodeEnvelope(envelope: Envelope): string {
  return JSON.stringify(envelopeMembers(envelope))
}

function envelopeMembers({ payload, payloadType, signature, keyId }: Envelope): JsonValue {
  return {
    payload: toBase64(payload),
    payloadType,
    signatures: [{ sig: toBase64(signature), ...(keyId !== undefined && { keyid: keyId }) }],
  }
}

const nameOf: Readonly<Record<HashAlgorithm, string>> = {
  sha256: 'SHA2_256',
  sha384: 'SHA2_384',
  sha512: 'SHA2_512',
}

/** Every number is there, also 0: some readers want it. */
function encodeEntry({
  logIndex,
  logId,
  kind,
  version,
  integratedTime,
  promise,
  proof,
  body,
}: LogEntry): JsonValue {
  return {
    logIndex: String(logIndex),
    logId: { keyId: toBase64(logId) },
    kindVersion: { kind, version },
    integratedTime: String(integratedTime),
    ...(promise && { inclusionPromise: { signedEntryTimestamp: toBase64(promise) } }),
    ...(proof && {
      inclusionProof: {
        logIndex: String(proof.logIndex),
        rootHash: toBase64(proof.rootHash),
        treeSize: String(proof.treeSize),
        hashes: proof.hashes.map(toBase64),
        ...(proof.checkpoint !== undefined && { checkpoint: { envelope: proof.checkpoint } }),
      },
    }),
    canonicalizedBody: toBase64(body),
  }
}

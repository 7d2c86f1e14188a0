/** What a bundle holds, for machines: names and numbers as texts, bytes as hex. Nothing of it is verified. */
import { parseCheckpoint } from '@sigstack/checkpoint'
import { encodePem, memberAt, parseBoundedJson, parseUtf8, sha256Hex, toHex } from '@sigstack/crypto'
import type { Bundle, LogEntry } from '@sigstack/verification'
import { certificateSubjects, fulcioIssuer, parseCertificate } from '@sigstack/x509'

export function bundleFacts(mediaType: string, bundle: Bundle): Readonly<Record<string, unknown>> {
  const { material, entries, timestamps, content } = bundle
  return {
    mediaType,
    ...('certificate' in material
      ? { certificate: certificateFacts(material.certificate) }
      : { keyHint: material.keyHint }),
    entries: entries.map(entryFacts),
    timestamps: timestamps.map((response) => ({ bytes: response.length, sha256: sha256Hex(response) })),
    content:
      content.type === 'envelope'
        ? { type: 'dsse', payloadType: content.payloadType, ...statementFacts(content.payload) }
        : { type: 'message', algorithm: content.algorithm, digest: toHex(content.digest) },
  }
}

function certificateFacts(der: Uint8Array) {
  const pem = encodePem('CERTIFICATE', der)
  try {
    const certificate = parseCertificate(der)
    return {
      subjects: certificateSubjects(certificate),
      tokenIssuer: fulcioIssuer(certificate) ?? null,
      serialNumber: toHex(certificate.serialNumber),
      notBefore: certificate.notBefore.toISOString(),
      notAfter: certificate.notAfter.toISOString(),
      pem,
    }
  } catch {
    // One that cannot be read is shown as it is.
    return { pem }
  }
}

function entryFacts({ logIndex, logId, kind, version, integratedTime, promise, proof }: LogEntry) {
  return {
    logIndex: String(logIndex),
    logId: toHex(logId),
    kind,
    version,
    integratedTime: String(integratedTime),
    hasPromise: promise !== undefined,
    proof:
      proof === undefined
        ? null
        : {
            logIndex: String(proof.logIndex),
            treeSize: String(proof.treeSize),
            hashes: proof.hashes.length,
            origin: originOf(proof.checkpoint),
          },
  }
}

function originOf(checkpoint: string | undefined): string | null {
  try {
    return parseCheckpoint(checkpoint ?? '').origin
  } catch {
    return null
  }
}

function statementFacts(payload: Uint8Array) {
  try {
    const statement = parseBoundedJson(parseUtf8(payload) ?? '')
    return {
      predicateType: memberAt(statement, 'predicateType') ?? null,
      subject: memberAt(statement, 'subject') ?? [],
    }
  } catch {
    return {}
  }
}

/** A signature as old tags of registries hold it: a layer, and annotations that are JSON, PEM and base64. */
import {
  CryptoError,
  memberAt,
  parseBase64,
  parsePemBlocks,
  parseStrictJson,
  parseUtf8,
  StrictJsonError,
} from '@sigstack/crypto'
import type { LogEntry } from '../bundle.ts'
import { VerificationError } from '../errors.ts'
import { type LegacyParts, readRekorBundle } from '../legacy-bundle.ts'

export type StoredLayer = {
  readonly payload: Uint8Array
  readonly annotations: Readonly<Record<string, string>>
}

export const layerAnnotations = {
  signature: 'dev.cosignproject.cosign/signature',
  certificate: 'dev.sigstore.cosign/certificate',
  chain: 'dev.sigstore.cosign/chain',
  bundle: 'dev.sigstore.cosign/bundle',
  timestamp: 'dev.sigstore.cosign/rfc3161timestamp',
} as const

const longestCertificate = 64 << 10

/** Throws `bad_bundle`. The signature is empty where the payload holds it. */
export function partsOfLayer({ annotations }: StoredLayer): LegacyParts {
  const signature = annotationOf(annotations, 'signature')
  const certificate = annotationOf(annotations, 'certificate')
  const bundle = annotationOf(annotations, 'bundle')
  const timestamp = annotationOf(annotations, 'timestamp')
  return {
    signature: reading('signature', () => parseBase64(signature ?? '')),
    certificate: certificate === undefined ? undefined : certificateIn(certificate),
    entry: bundle === undefined ? undefined : entryIn(bundle),
    timestamp: timestamp === undefined ? undefined : timestampIn(timestamp),
  }
}

export function annotationOf(
  annotations: StoredLayer['annotations'],
  name: keyof typeof layerAnnotations,
): string | undefined {
  const key = layerAnnotations[name]
  const value = Object.hasOwn(annotations, key) ? annotations[key] : undefined
  return value === '' ? undefined : value
}

/** One certificate and nothing else: a bare key would verify without anybody's word for whose it is. */
function certificateIn(pem: string): Uint8Array {
  if (pem.length > longestCertificate) throw unreadable('certificate', 'it is too large')
  const [block, ...more] = reading('certificate', () => parsePemBlocks(pem, 2))
  if (block === undefined || block.type !== 'CERTIFICATE' || more.length > 0)
    throw unreadable('certificate', 'it holds something else than one certificate')
  return block.der
}

function entryIn(text: string): LogEntry {
  return reading('bundle', () => readRekorBundle(text))
}

function timestampIn(text: string): Uint8Array {
  return reading('rfc3161timestamp', () => {
    const value = memberAt(parseStrictJson(text, { mostNames: 100 }), 'SignedRFC3161Timestamp')
    if (typeof value !== 'string') throw unreadable('rfc3161timestamp', 'it holds no timestamp')
    return parseBase64(value)
  })
}

/** The text of an envelope, which is the payload of an attestation. */
export function envelopeText({ payload }: StoredLayer): string {
  const text = parseUtf8(payload)
  if (text === undefined) throw unreadable('layer', 'it is no text')
  return text
}

function reading<Value>(what: string, read: () => Value): Value {
  try {
    return read()
  } catch (cause) {
    if (cause instanceof CryptoError || cause instanceof StrictJsonError)
      throw unreadable(what, cause.message, cause)
    throw cause
  }
}

function unreadable(what: string, complaint: string, cause?: unknown): VerificationError {
  const message = `the ${what} of the signature cannot be read: ${complaint}`
  return new VerificationError('bad_bundle', message, { cause })
}

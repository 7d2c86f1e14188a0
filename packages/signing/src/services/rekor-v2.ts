/** Entries of a Rekor v2 log: of files and of envelopes alike it takes the digest that was signed (rekor-v2.md sections 2 and 4.3). */
import {
  defaultHash,
  digest,
  type HashAlgorithm,
  type JsonValue,
  preAuthenticationEncoding,
  publicKeyDetails,
  toBase64,
  withoutEnd,
} from '@sigstack/crypto'
import { type Bundle, type LogEntry, readLogEntry } from '@sigstack/verification'
import type { Verifier } from '../credential.ts'
import { type Exchange, post, ServiceError } from './ask-service.ts'

/** Upstream's log answers when its next checkpoint is there, which takes seconds. */
const timeoutMs = 90_000

/** Throws {@link ServiceError}. */
export async function createEntry(
  logUrl: string,
  content: Bundle['content'],
  verifier: Verifier,
  exchange: Exchange,
): Promise<LogEntry> {
  const url = `${withoutEnd(logUrl, '/')}/api/v2/log/entries`
  const answer = await post(url, requestOf(content, verifier), { timeoutMs, exchange })
  try {
    return readLogEntry(answer.text())
  } catch (cause) {
    throw new ServiceError('it answers with something that is no entry', answer.status, { cause })
  }
}

function requestOf(content: Bundle['content'], { publicKey, certificate }: Verifier): JsonValue {
  // Ed25519 stands for its form over a digest, whose hash is SHA-512.
  const isEd25519 = publicKey.type === 'ed25519'
  const hash = defaultHash(publicKey) ?? 'sha512'
  return {
    hashedRekordRequestV002: {
      digest: toBase64(digestOf(content, hash)),
      signature: {
        content: toBase64(content.signature),
        verifier: {
          ...(certificate === undefined
            ? { publicKey: { rawBytes: toBase64(publicKey.spki) } }
            : { x509Certificate: { rawBytes: toBase64(certificate) } }),
          keyDetails: isEd25519 ? 'PKIX_ED25519_PH' : publicKeyDetails(publicKey),
        },
      },
    },
  }
}

function digestOf(content: Bundle['content'], hash: HashAlgorithm): Uint8Array {
  if (content.type === 'envelope') return digest(hash, preAuthenticationEncoding(content))
  if (content.algorithm === hash) return content.digest
  throw new ServiceError(`it takes signatures of such a key over ${hash} alone, not ${content.algorithm}`)
}

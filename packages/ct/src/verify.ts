import { equalBytes, keyFingerprint, type PublicKey, verifySignature } from '@sigstack/crypto'
import { type SignedEntry, sctSignedData } from './entry.ts'
import type { Sct } from './sct.ts'

/**
 * Whether the SCT is the promise of the log with this key for this entry. Only the keys of RFC 6962 section 2.1.4
 * count: ECDSA P-256, and RSA of at least 2048 bits. The validity window of the key is the caller's to check.
 */
export async function verifySct(sct: Sct, entry: SignedEntry, logPublicKey: PublicKey): Promise<boolean> {
  if (!equalBytes(sct.logId, keyFingerprint(logPublicKey))) return false
  if (sct.signature.algorithm !== logPublicKey.type) return false
  if (logPublicKey.type === 'ecdsa' && logPublicKey.curve !== 'P-256') return false
  if (logPublicKey.type === 'rsa' && logPublicKey.modulusBits < 2048) return false
  const signed = sctSignedData({ timestampMs: sct.timestampMs, entry, extensions: sct.extensions })
  return verifySignature(logPublicKey, 'sha256', signed, sct.signature.signature)
}

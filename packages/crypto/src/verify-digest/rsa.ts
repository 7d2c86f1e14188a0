/** RSASSA-PKCS1-v1_5 over a given digest (RFC 8017 section 8.2.2): the padding is undone and the DigestInfo compared whole. */
import { constants, publicDecrypt } from 'node:crypto'
import { asBuffer, equalBytes } from '../bytes.ts'
import type { HashAlgorithm } from '../digest.ts'
import type { PublicKey } from '../public-key.ts'

/** DER DigestInfo up to the digest itself: RFC 8017 section 9.2, note 1. */
const digestInfoPrefixes: Readonly<Record<HashAlgorithm, Buffer>> = {
  sha256: Buffer.from('3031300d060960864801650304020105000420', 'hex'),
  sha384: Buffer.from('3041300d060960864801650304020205000430', 'hex'),
  sha512: Buffer.from('3051300d060960864801650304020305000440', 'hex'),
}

export function verifyRsaDigest(
  key: PublicKey & { readonly type: 'rsa' },
  hash: HashAlgorithm,
  digest: Uint8Array,
  signature: Uint8Array,
): boolean {
  // The standard's step 1; OpenSSL alone would take a signature whose leading zeros are missing.
  if (signature.length !== Math.ceil(key.modulusBits / 8)) return false
  let padded: Buffer
  try {
    padded = publicDecrypt({ key: key.keyObject, padding: constants.RSA_PKCS1_PADDING }, asBuffer(signature))
  } catch {
    return false
  }
  // Padding bytes run until the first zero, so what remains is right-aligned: equality leaves no room to forge in.
  return equalBytes(padded, Buffer.concat([digestInfoPrefixes[hash], digest]))
}

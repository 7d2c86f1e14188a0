/** The verifier of a signature in a stored body. */
import { CryptoError, isObject, memberAt, sha256Hex } from '@sigstack/crypto'
import { X509Error } from '@sigstack/x509'
import { type JsonObject, objectAt, parseBase64At, required, textAt } from '../json.ts'
import { certificateKey, keyContentLimit, plainKey, verifierOf } from '../keys/canonical-key.ts'
import type { Verifier } from '../verifier.ts'

/** @param path Of the verifier in the body. What cannot be read now is known by its hash and by no name. */
export function storedVerifierAt(signature: JsonObject, path: string): Verifier {
  const verifier = objectAt(signature, 'verifier', path)
  const certificate = memberAt(verifier, 'x509Certificate')
  const key = isObject(certificate) ? certificate : memberAt(verifier, 'publicKey')
  if (!isObject(key)) throw required(path)
  const der = parseBase64At(textAt(key, 'rawBytes', path), path, keyContentLimit)
  try {
    return verifierOf(isObject(certificate) ? certificateKey(der) : plainKey(der))
  } catch (error) {
    if (!(error instanceof CryptoError || error instanceof X509Error)) throw error
    return { keyHash: sha256Hex(der), chain: [], subjects: [] }
  }
}

import { isDerEcdsaSignature } from '@sigstack/crypto'

/** Why an ECDSA signature does not verify, in the words that users of Rekor look for. */
export function ecdsaFailureOf(signature: Uint8Array): string {
  const encoding = isDerEcdsaSignature(signature) ? 'ASN.1' : 'IEEE_P1363'
  return `invalid signature when validating ${encoding} encoded signature`
}

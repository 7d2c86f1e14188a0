/**
 * What a check of a signature costs, told in checks of P-256 (some 50 to 90 µs of processor time): what bounds work has to weigh
 * it, since a P-521 check costs twenty of them. Measured with the OpenSSL of Node 24, the reading of the key included.
 */
import type { EcCurve, PublicKeyKind } from './public-key.ts'

const ofCurve: Readonly<Record<EcCurve, number>> = { 'P-256': 1, 'P-384': 10, 'P-521': 20 }
const ofEd25519 = 2
/** By the bits of the modulus; beyond the last it grows with their square. */
const ofRsa = [
  { bits: 2048, cost: 1 },
  { bits: 4096, cost: 3 },
  { bits: 8192, cost: 12 },
] as const

/** What of a key decides it. */
export type KeySize =
  | { readonly type: 'ecdsa'; readonly curve: EcCurve }
  | { readonly type: 'rsa'; readonly modulusBits: number }
  | Pick<Extract<PublicKeyKind, { type: 'ed25519' }>, 'type'>

export function verificationCost(key: KeySize): number {
  switch (key.type) {
    case 'ecdsa':
      return ofCurve[key.curve]
    case 'ed25519':
      return ofEd25519
    case 'rsa':
      return (
        ofRsa.find(({ bits }) => key.modulusBits <= bits)?.cost ??
        Math.ceil(12 * (key.modulusBits / 8192) ** 2)
      )
  }
}

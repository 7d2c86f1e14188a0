/** The NIST curves (SP 800-186): their names, sizes and equation. */
export type EcCurve = 'P-256' | 'P-384' | 'P-521'

type Curve = {
  readonly oid: string
  readonly coordinateBytes: number
  readonly p: bigint
  readonly b: bigint
  /** How many points there are. */
  readonly order: bigint
}

const curves: Readonly<Record<EcCurve, Curve>> = {
  'P-256': {
    oid: '1.2.840.10045.3.1.7',
    coordinateBytes: 32,
    p: 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n,
    b: 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn,
    order: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  },
  'P-384': {
    oid: '1.3.132.0.34',
    coordinateBytes: 48,
    p: 2n ** 384n - 2n ** 128n - 2n ** 96n + 2n ** 32n - 1n,
    b: 0xb3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aefn,
    order:
      0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
  },
  'P-521': {
    oid: '1.3.132.0.35',
    coordinateBytes: 66,
    p: 2n ** 521n - 1n,
    b: 0x0051953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00n,
    order:
      0x01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n,
  },
}

export function curveOfOid(oid: string): EcCurve | undefined {
  if (oid === curves['P-256'].oid) return 'P-256'
  if (oid === curves['P-384'].oid) return 'P-384'
  return oid === curves['P-521'].oid ? 'P-521' : undefined
}

/**
 * Of r‖s the one form of the two that hold for the same message and key: with the smaller of s and order − s. Anybody can make one
 * of the other.
 */
export function withLowS(curve: EcCurve, raw: Uint8Array): Uint8Array {
  const { order } = curves[curve]
  const middle = raw.length / 2
  const s = BigInt(`0x${Buffer.from(raw.subarray(middle)).toString('hex')}`)
  if (2n * s <= order) return raw
  const low = (order - s).toString(16).padStart(2 * middle, '0')
  return Buffer.concat([raw.subarray(0, middle), Buffer.from(low, 'hex')])
}

/** Of an uncompressed point, 0x04 included. */
export function pointLengthBytes(curve: EcCurve): number {
  return 1 + 2 * curves[curve].coordinateBytes
}

/** Of each of the two numbers of a signature. */
export function signatureNumberBytes(curve: EcCurve): number {
  return curves[curve].coordinateBytes
}

/**
 * Whether an uncompressed point of the right length satisfies y² = x³ − 3x + b with both coordinates below p. These curves
 * have cofactor 1, so such a point is a valid public key (SP 800-56A section 5.6.2.3.4). Takes a few µs, createPublicKey 25.
 */
export function isOnCurve(curve: EcCurve, point: Uint8Array): boolean {
  const { coordinateBytes, p, b } = curves[curve]
  const hex = Buffer.from(point.buffer, point.byteOffset, point.byteLength).toString('hex')
  const x = BigInt(`0x${hex.slice(2, 2 + 2 * coordinateBytes)}`)
  const y = BigInt(`0x${hex.slice(2 + 2 * coordinateBytes)}`)
  return x < p && y < p && (y * y - (((x * x) % p) - 3n) * x - b) % p === 0n
}

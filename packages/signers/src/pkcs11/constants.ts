/** Numbers of PKCS #11 2.40 (pkcs11t.h). */

/** Of CK_ULONG, on 64-bit Linux and macOS. */
export const ulongBytes = 8

/** CK_OBJECT_CLASS. */
export const cko = { publicKey: 2, privateKey: 3 } as const

/** CK_ATTRIBUTE_TYPE. */
export const cka = {
  class: 0x0,
  label: 0x3,
  keyType: 0x100,
  id: 0x102,
  sign: 0x108,
  modulus: 0x120,
  publicExponent: 0x122,
  ecParams: 0x180,
  ecPoint: 0x181,
  alwaysAuthenticate: 0x202,
} as const

/** CK_KEY_TYPE. */
export const ckk = { rsa: 0x0, ec: 0x3, ecEdwards: 0x40 } as const

/** CK_MECHANISM_TYPE. */
export const ckm = { rsaPkcs: 0x1, ecdsa: 0x1041, eddsa: 0x1057 } as const

export function encodeUlong(value: number): Buffer {
  const bytes = Buffer.alloc(ulongBytes)
  bytes.writeBigUInt64LE(BigInt(value))
  return bytes
}

/** Object identifiers of CMS and RFC 3161, in dotted form. */
import type { HashAlgorithm } from '@sigstack/crypto'

export const signedDataOid = '1.2.840.113549.1.7.2'
export const tstInfoOid = '1.2.840.113549.1.9.16.1.4'

export const attributeOid = {
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingTime: '1.2.840.113549.1.9.5',
  signingCertificateV2: '1.2.840.113549.1.9.16.2.47',
} as const

export const hashOid: Readonly<Record<HashAlgorithm, string>> = {
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
}

export const sha1Oid = '1.3.14.3.2.26'

const byOid: ReadonlyMap<string, HashAlgorithm> = new Map(
  (Object.keys(hashOid) as HashAlgorithm[]).map((name) => [hashOid[name], name]),
)

/** Of the hashes that count; `undefined` for any other. */
export function hashOf(oid: string): HashAlgorithm | undefined {
  return byOid.get(oid)
}

/** What trust files say (sigstore_trustroot.proto), as domain values: keys in DER, times as `Date`. */

/** A closed interval; without `end` it is open towards the future. */
export type ValidityPeriod = { readonly start: Date; readonly end?: Date }

/** As {@link ValidityPeriod}, where published files may leave the start out. */
export type OpenValidityPeriod = { readonly start?: Date; readonly end?: Date }

export type TrustedLog = {
  readonly baseUrl: string
  /** DER SubjectPublicKeyInfo; PKCS #1 where `keyDetails` begins with `PKCS1_`. */
  readonly publicKey: Uint8Array
  /** Sigstore's name of the key's kind, for example `PKIX_ECDSA_P256_SHA_256`. */
  readonly keyDetails: string
  /** 32 bytes. */
  readonly logId: Uint8Array
  readonly validFor: ValidityPeriod
}

export type CertificateAuthority = {
  readonly subject: { readonly organization?: string; readonly commonName?: string }
  readonly uri?: string
  /** DER certificates: the lowest first, the trust anchor last. A TSA's begins with its leaf. */
  readonly chain: readonly Uint8Array[]
  readonly validFor: OpenValidityPeriod
}

export type TrustedRoot = {
  readonly tlogs: readonly TrustedLog[]
  readonly certificateAuthorities: readonly CertificateAuthority[]
  readonly ctlogs: readonly TrustedLog[]
  readonly timestampAuthorities: readonly CertificateAuthority[]
}

export type Service = {
  /** A base URL; for a TSA the whole endpoint. */
  readonly url: string
  readonly majorApiVersion: number
  readonly validFor?: OpenValidityPeriod
  readonly operator?: string
}

export type ServiceSelector = 'ANY' | 'ALL' | 'EXACT'

export type ServiceConfiguration = {
  readonly selector: ServiceSelector
  /** How many services; only with `EXACT`. */
  readonly count?: number
}

export type SigningConfig = {
  readonly caUrls: readonly Service[]
  readonly oidcUrls: readonly Service[]
  readonly rekorTlogUrls: readonly Service[]
  readonly tsaUrls: readonly Service[]
  readonly rekorTlogConfig?: ServiceConfiguration
  readonly tsaConfig?: ServiceConfiguration
}

export type ClientTrustConfig = { readonly trustedRoot: TrustedRoot; readonly signingConfig: SigningConfig }

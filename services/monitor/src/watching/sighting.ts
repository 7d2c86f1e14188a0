/** What an entry says of who made it, whatever kind of log it is in. */
export type Sighting = {
  readonly leafIndex: bigint
  /** Of the entry: `hashedrekord 0.0.1`, `precertificate` and so on. */
  readonly kind: string
  readonly subjects: readonly string[]
  readonly issuer?: string
  /** Lower-case hex: every name of the keys. */
  readonly keys: readonly string[]
  /** URI of the source repository, and its former GitHub name. */
  readonly repositories: readonly string[]
  /** What signed: the workflow with its ref, where the certificate says it. */
  readonly workflow?: string
  /** Hex, lower case. */
  readonly serialNumber?: string
  readonly time: Date
  /** Whose time it is: entries of Rekor hold none, so that of the certificate counts, else when the monitor read it. */
  readonly timeOf: 'certificate' | 'log' | 'monitor'
}

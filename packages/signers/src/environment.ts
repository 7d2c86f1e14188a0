/**
 * Variables of the key services' own tools (`VAULT_ADDR`, …). They reach this package as they reach the cloud vendors' libraries,
 * past the configuration of the service that signs.
 */
export type Environment = Readonly<Record<string, string | undefined>>

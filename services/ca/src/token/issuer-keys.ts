/** What the check of a token asks of the world: the keys of the issuer that it names. */
import type { IssuerKey } from './key-set.ts'

export type IssuerKeys = {
  /** Signature algorithms that the issuer announces, of those that are ever accepted. */
  readonly algorithms: readonly string[]
  readonly keys: readonly IssuerKey[]
  readonly loadedAtMs: number
  /** The issuer was asked again if its set lacked this key. */
  readonly lookedFor: string | undefined
}

export type ReadIssuerKeys = {
  /** `keyId` is the key that is wanted. Throws an IssuanceError, here and below. */
  (issuerUrl: string, keyId?: string): Promise<IssuerKeys>
  /** Keys that were looked up again because `keyId` was not among them; it may still not be. */
  lookUp(issuerUrl: string, keyId: string, known: IssuerKeys): Promise<IssuerKeys>
}

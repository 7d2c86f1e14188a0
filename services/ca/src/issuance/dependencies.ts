/** What issuance asks of the world, by type. Adapters implement it, tests stand in for it. */
import type { Authority } from '@sigstack/ca-authority'
import type { PublicKey, SignatureAlgorithm } from '@sigstack/crypto'
import type { Sct } from '@sigstack/ct'
import type { Claims } from '../identity/claims.ts'
import type { Identity, IssuerEntry } from '../identity/identity.ts'

/** A token whose signature, issuer, audience and time are in order. */
export type AuthenticToken = { readonly issuer: IssuerEntry; readonly claims: Claims }

/** Throws an IssuanceError `identity_token_rejected` or `identity_provider_unreachable`. */
export type AuthenticateToken = (token: string) => Promise<AuthenticToken>

/** What a log promised, and the key of that log. */
export type CtPromise = { readonly sct: Sct; readonly publicKey: PublicKey }

/** One log, or several of which one takes the certificate. */
export type CtLog = {
  /** Has a log promise to record this DER precertificate, issued by `chain`. Throws an IssuanceError `ct_log_unavailable`. */
  addPreChain(precertificate: Uint8Array, chain: Authority['chain']): Promise<CtPromise>
}

/** Throw an IssuanceError `too_many_requests`. */
export type IssuanceLimits = {
  admitAddress(address: string): Promise<void>
  admitIdentity(identity: Identity): Promise<void>
}

/** Does the dear part of an issuance when its turn has come. Throws an IssuanceError `too_busy` where that would be too late. */
export type InTurn = <T>(work: () => Promise<T>) => Promise<T>

/** Runs a step as a span of its own, within the span it is called in. */
export type Trace = <T>(name: string, step: () => Promise<T>) => Promise<T>

export const noTrace: Trace = (_name, step) => step()

export type IssuanceDependencies = {
  readonly authenticate: AuthenticateToken
  /** The one that issues now; asked once for each certificate, since a rotation may change it at any moment. */
  readonly authority: () => Authority
  /** Undefined, by the operator's explicit wish: certificates without a promise, which some clients refuse to verify. */
  readonly ctLog: CtLog | undefined
  readonly limits?: IssuanceLimits
  readonly trace?: Trace
  readonly allowedAlgorithms: readonly SignatureAlgorithm[]
  readonly now: () => Date
  readonly randomBytes: (count: number) => Uint8Array
}

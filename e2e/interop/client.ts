/** What every client that we did not write looks like to the matrix. */
import type { Endpoints } from '@sigstack/stack'
import type { Run } from '../support/run-command.ts'
import type { Workshop } from '../support/workshop.ts'

/** What a signer leaves behind; a verifier reads some of these. */
export type Kind =
  | 'bundle'
  | 'attestation'
  /** Signed with a key, whose public half lies beside the bundle with `.pub` behind its name. */
  | 'key bundle'
  | 'key attestation'
  | 'cosign legacy'
  | 'cosign files'
  | 'cosign attestation files'
  | 'commit'

/** Absolute paths of the published trust, or of an altered copy of it. */
export type TrustFiles = {
  readonly trustedRoot: string
  readonly signingConfig: string
  readonly clientTrustConfig: string
  readonly rekorKey: string
  readonly ctKey: string
  readonly caCertificates: string
  /** URL of the TUF repository. */
  readonly mirror: string
}

export type Identity = { readonly email: string; readonly issuer: string }

/** One client's place: a home of its own, a folder for what it writes, and the running stack. */
export type Session = {
  readonly endpoints: Endpoints
  readonly folder: string
  readonly run: Run
  /** A fresh token of the trial issuer for the identity that signs. */
  readonly token: () => Promise<string>
}

export type SignJob = {
  readonly file: string
  /** Where the result goes. */
  readonly bundle: string
  readonly trust: TrustFiles
}

export type VerifyJob = SignJob & { readonly identity: Identity }

export type Signer = {
  /** The way it signs, where one client has several. */
  readonly way?: string
  readonly kind: Kind
  readonly sign: (session: Session, job: SignJob) => Promise<void>
}

export type Verifier = {
  readonly way?: string
  readonly kinds: readonly Kind[]
  /** False where the client takes a certificate for a mere key. */
  readonly checksCertificate?: boolean
  /** False where the client takes the log's word for the entry. */
  readonly checksLog?: boolean
  /** Throws when the client refuses. */
  readonly verify: (session: Session, job: VerifyJob) => Promise<void>
}

/** Something a client does beside signing and verifying, on an entry that is in the log. */
export type Check = {
  readonly name: string
  /** Of the entry it wants. */
  readonly kind: Kind
  readonly run: (session: Session, entry: VerifyJob) => Promise<void>
}

export type InstalledClient = {
  readonly version: string
  readonly signers: readonly Signer[]
  readonly verifiers: readonly Verifier[]
  readonly checks?: readonly Check[]
}

export type Client = {
  readonly name: string
  /** Throws an {@link InteropError} with code `missing` when the machine cannot have it. */
  readonly install: (workshop: Workshop) => Promise<InstalledClient>
}

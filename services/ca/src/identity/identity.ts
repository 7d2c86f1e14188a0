/** What a certificate says about its owner, and the configured issuers that may vouch for it. */
import type { FulcioClaims, San } from '@sigstack/x509'
import type { IssuancePolicy } from './policy.ts'
import type { Template } from './template.ts'

/** Where the value of one extension comes from: a claim (or default) by name, or a template over all of them. */
export type ValueSource =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'template'; readonly template: Template }

export type ExtensionName = Exclude<keyof FulcioClaims, 'issuer' | 'subject'>

export type CiProvider = {
  readonly name: string
  /** Used where the token has no claim of that name. */
  readonly defaults: ReadonlyMap<string, string>
  readonly subjectAlternativeName: ValueSource | undefined
  readonly extensions: ReadonlyMap<ExtensionName, ValueSource>
  /** Texts that Fulcio writes as a URI of Go's, by how it makes them; the name is always `parsed` unless it is here. */
  readonly uriForms?: ReadonlyMap<ExtensionName | 'subjectAlternativeName', UriForm>
}

/** The text parsed as a whole, or its end joined to a base as a path. */
export type UriForm = 'parsed' | 'joined'

/** Fulcio's types from before ci-provider; what each makes of a token stands in dedicated-ci.ts. */
export type DedicatedCiType = 'github-workflow' | 'gitlab-pipeline' | 'buildkite-job' | 'codefresh-workflow'

/** One line per type of issuer, with what only that type needs (fulcio.md section 4.2). */
export type IssuerKind =
  | {
      readonly type: 'email'
      readonly issuerClaim: readonly (string | number)[] | undefined
      readonly skipEmailVerification: boolean
    }
  | { readonly type: 'uri'; readonly scheme: string; readonly hostname: string }
  | { readonly type: 'username'; readonly domain: string }
  | { readonly type: 'spiffe'; readonly trustDomain: string }
  | { readonly type: 'kubernetes' }
  | { readonly type: 'chainguard-identity' }
  | { readonly type: DedicatedCiType }
  /** A type that nobody knows: it is published, and every token is refused. */
  | { readonly type: 'unknown' }
  | {
      readonly type: 'ci-provider'
      readonly providerName: string
      /** Undefined: nothing of that name is configured, so every token of the issuer is refused. */
      readonly provider: CiProvider | undefined
    }

export type IssuerEntry = {
  /** Exact URL, or a pattern with `*`. */
  readonly url: string
  readonly isPattern: boolean
  /** What `aud` must contain. */
  readonly audience: string
  readonly kind: IssuerKind
  /** As the configuration has it. */
  readonly issuerType: string
  /** Who of those whom the issuer vouches for may have a certificate. Undefined: everybody. */
  readonly policy: IssuancePolicy | undefined
  /** Published only; never changes what is verified. */
  readonly challengeClaim: string
  readonly subjectDomain: string
  readonly spiffeTrustDomain: string
  /** PEM, trusted beside the system's roots when this issuer is asked; for whoever asks. */
  readonly caCertificate?: string
}

/** The certificate side of an identity token. */
export type Identity = {
  readonly subjectAlternativeName: San
  readonly claims: FulcioClaims
  /** What the proof of possession may be a signature over, in the order in which it is tried. */
  readonly proofSubjects: readonly string[]
}

/** A policy of images, as the engines' own policies are made of it and as the tool decides by it. */

export type ImagePolicy = {
  /** A DNS label: names of Kubernetes begin with it. */
  readonly name: string
  /** What happens to an image that a rule refuses: it does not run, or somebody is told. */
  readonly mode: 'enforce' | 'warn'
  /** What happens to images that no rule covers. */
  readonly otherwise: 'allow' | 'deny'
  /** The forms in which images carry signatures. Each of them must hold, since an engine may read one alone. */
  readonly signatures: 'bundle' | 'legacy' | 'both'
  /** All that cover an image must hold. */
  readonly rules: readonly Rule[]
  /** The text of a trusted root, where the policy brings its trust along. */
  readonly trustedRoot?: string
}

export type Rule = {
  /** A DNS label, of its own in the policy. */
  readonly name: string
  /** Repositories with their registry: `*` for what has no `/` in it, `**` for anything. */
  readonly images: readonly string[]
  /** One of them suffices. */
  readonly signedBy: readonly Signer[]
  /** Predicate types: one of the signers must have attested each, beside the signature. */
  readonly attestations: readonly string[]
  /** Whether signatures must be in a transparency log. */
  readonly log: 'required' | 'off'
}

export type Signer = KeySigner | IdentitySigner

/** A public key in PEM. */
export type KeySigner = { readonly key: string }

/** Values and patterns cover the whole of what is in the certificate. */
export type IdentitySigner = {
  readonly issuer: string
  readonly identity?: string
  /** RE2. */
  readonly identityPattern?: string
  readonly sourceRepository?: string
  readonly buildSigner?: string
  /** `*` for what has no `/` in it, `**` for anything. */
  readonly refPattern?: string
}

export const formsOf = { bundle: ['bundle'], legacy: ['legacy'], both: ['bundle', 'legacy'] } as const

export function isKey(signer: Signer): signer is KeySigner {
  return 'key' in signer
}

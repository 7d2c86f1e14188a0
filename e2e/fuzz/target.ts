/** One decoder under attack. */
export type Target = {
  readonly name: string
  /** What a good input looks like, which decides how it is changed. */
  readonly form: 'bytes' | 'der' | 'text' | 'json' | 'jwt'
  /** Good inputs, at least one. */
  readonly seeds: readonly Uint8Array[]
  /** Throws what the decoder throws. */
  readonly run: (input: Uint8Array) => unknown
  /** Names of the error classes that are a refusal; anything else is a fault. */
  readonly refusals: readonly string[]
}

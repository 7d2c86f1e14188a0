/** Stable: callers may decide by these codes. Messages may change. */
export type ImagePolicyErrorCode =
  /** The file is no policy of images, or one that cannot mean anything. */
  | 'bad_policy'
  /** The engine has no words for it, or would accept more than the policy does. */
  | 'not_expressible'
  /** The engine needs something beside the policy that was not given. */
  | 'incomplete'

/** Why there is no policy, or none for an engine. `reasons`, where there are several, are a line each. */
export class ImagePolicyError extends Error {
  override readonly name = 'ImagePolicyError'
  readonly code: ImagePolicyErrorCode
  readonly reasons: readonly string[]
  constructor(
    code: ImagePolicyErrorCode,
    message: string,
    options?: ErrorOptions & { readonly reasons?: readonly string[] },
  ) {
    super(message, options)
    this.code = code
    this.reasons = options?.reasons ?? []
  }
}

export function badPolicy(message: string, cause?: unknown): ImagePolicyError {
  return new ImagePolicyError('bad_policy', message, { cause })
}

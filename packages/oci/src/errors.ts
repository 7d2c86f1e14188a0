/** Stable: callers decide by these codes. Messages may change. */
export type OciErrorCode =
  /** A reference, digest, tag or platform that is none. */
  | 'bad_reference'
  /** What was read is no manifest, index, list or layout. */
  | 'bad_document'
  /** A docker config or a credential helper that cannot be read. */
  | 'bad_credentials'
  /** Certificates or keys for TLS that cannot be read. */
  | 'bad_tls'
  /** The registry, or its token service, wants other credentials. */
  | 'unauthorized'
  /** The credentials are good and do not suffice. */
  | 'denied'
  /** There is no such repository, tag, manifest or blob. */
  | 'not_found'
  /** Bytes that are not those of their digest or size. */
  | 'digest_mismatch'
  /** More bytes, pages or entries than are taken. */
  | 'too_large'
  /** The registry does not do this: deletion is off, for example. */
  | 'unsupported'
  /** Others wrote the same tag again and again. */
  | 'conflict'
  /** An answer that the protocol does not have. */
  | 'bad_answer'
  /** 429 and 5xx, after retries. */
  | 'busy'
  /** A file that cannot be written. */
  | 'unwritable'
  /** No connection, no TLS, or no answer in time, after retries. */
  | 'unreachable'

/**
 * Why a step with a registry or a layout failed. The message says what was looked at, what was found and what
 * to do next; it is one line, and holds no secret.
 */
export class OciError extends Error {
  override readonly name = 'OciError'
  readonly code: OciErrorCode
  /** Of the registry's answer, where there was one. */
  readonly status: number | undefined
  constructor(code: OciErrorCode, message: string, options?: ErrorOptions & { readonly status?: number }) {
    super(message, options)
    this.code = code
    this.status = options?.status
  }
}

export function isNotFound(error: unknown): boolean {
  return error instanceof OciError && error.code === 'not_found'
}

/** What is read, or undefined where there is no such thing. */
export async function ifThere<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

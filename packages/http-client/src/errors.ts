/** Stable: callers may decide by these codes. Messages may change. */
import { errorCode } from '@sigstack/crypto'
export type HttpErrorCode =
  /** The whole answer was not there in time. */
  | 'timeout'
  /** The answer has more bytes than the caller takes. */
  | 'too_large'
  /** There was no connection, it broke, or what came cannot be read as an answer. */
  | 'unreachable'
  /** Whoever called forbade all connections. */
  | 'offline'

/**
 * Why there is no whole answer. The message is a phrase that suits a sentence of the caller's, as in
 * `${url} does not answer: ${message}`; it names no URL and no secret.
 */
export class HttpError extends Error {
  override readonly name = 'HttpError'
  readonly code: HttpErrorCode
  /** Whether a proxy was asked in the place of the server. */
  readonly throughProxy: boolean
  constructor(
    code: HttpErrorCode,
    message: string,
    options?: ErrorOptions & { readonly throughProxy?: boolean },
  ) {
    super(message, options)
    this.code = code
    this.throughProxy = options?.throughProxy ?? false
  }
}

/** How Node names a certificate that it does not take. */
const certificateCodes =
  /^(?:CERT_|ERR_TLS_CERT_|CRL_|INVALID_CA$|INVALID_PURPOSE$|HOSTNAME_MISMATCH$|PATH_LENGTH_EXCEEDED$|(?:DEPTH_ZERO_)?SELF_SIGNED_CERT|UNABLE_TO_|ERROR_IN_CERT_)/

/** Whether somebody answered whose certificate is not taken here. */
export function isCertificateTrouble(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause)
    if (certificateCodes.test(errorCode(at) ?? '')) return true
  return false
}

/** Whether nothing was asked because no connection may be made. */
export function isOffline(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause)
    if (at instanceof HttpError && at.code === 'offline') return true
  return false
}

/** What helps where a proxy was asked in vain; undefined where none was. */
export function proxyAdvice(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause)
    if (at instanceof HttpError && at.throughProxy)
      return 'The proxy is that of HTTP_PROXY or HTTPS_PROXY; NO_PROXY lists names that are asked directly.'
  return undefined
}

/** What is said of a connection that failed: the system's code where there is one (ECONNREFUSED), else words. */
export function networkReason(error: unknown): string {
  let words = 'unknown reason'
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at instanceof HttpError) return at.message
    if ('code' in at && typeof at.code === 'string' && !at.code.startsWith('UND_ERR_')) return at.code
    if (at.message !== '') words = at.message
  }
  return words
}

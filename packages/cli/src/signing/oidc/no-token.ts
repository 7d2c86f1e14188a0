/** Why nobody is signed in, as the tool says it. */
import { OidcError } from '@sigstack/oidc-client'
import { CliError } from '../../errors.ts'
import { throwIfUntrusted } from '../../location.ts'

export function noToken(message: string, cause?: unknown): CliError {
  return new CliError('no_token', message, {
    ...(cause !== undefined && { cause }),
    advice: 'Any token is taken with --identity-token, or from SIGSTORE_ID_TOKEN.',
  })
}

/** An error of the client in the tool's words; others as they are. */
export function asNoToken(error: unknown): unknown {
  if (!(error instanceof OidcError)) return error
  throwIfUntrusted(error.url, error.cause)
  return noToken(error.message, error.cause)
}

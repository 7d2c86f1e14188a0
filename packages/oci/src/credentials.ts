/** What we may show to a registry, or to the token service that it names. */
import type { RepositoryName } from './reference.ts'

export type Credentials =
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  /** Changed for a token at the registry's token service (a refresh token of OAuth 2). */
  | { readonly kind: 'identity_token'; readonly token: string }
  /** Sent to the registry as it is. */
  | { readonly kind: 'registry_token'; readonly token: string }

/** Undefined means anonymous. Asked once for each repository. */
export type CredentialSource = (
  name: RepositoryName,
  signal?: AbortSignal,
) => Promise<Credentials | undefined>

export const anonymous: CredentialSource = () => Promise.resolve(undefined)

/** For messages: whom the registry would see. */
export function nameOfCredentials(credentials: Credentials | undefined): string {
  if (credentials === undefined) return 'no credentials'
  if (credentials.kind === 'basic') return 'a user name and a password'
  return credentials.kind === 'identity_token' ? 'an identity token' : 'a registry token'
}

/** What may stand in a header as it is. */
export function isHeaderText(text: string): boolean {
  return /^[\x21-\x7e]+$/.test(text)
}

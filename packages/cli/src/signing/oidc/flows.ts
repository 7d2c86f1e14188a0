/** How one may sign in, in cosign's words. */
export const flows = ['normal', 'device', 'token', 'client_credentials'] as const
export type Flow = (typeof flows)[number]

export type SignInOptions = {
  readonly fulcioAuthFlow?: Flow
  readonly oidcClientId?: string
  readonly oidcClientSecretFile?: string
  readonly oidcRedirectUrl?: string
}

/** What the tool asks an issuer for. */
export const scope = 'openid email'

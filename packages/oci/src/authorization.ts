/**
 * What is said in `Authorization` to one registry: learned from its challenges, kept by scope for as long as
 * it holds.
 */
import type { Route, TlsSettings } from '@sigstack/http-client'
import { type Challenge, parseChallenge } from './challenge.ts'
import { type CredentialSource, type Credentials, nameOfCredentials } from './credentials.ts'
import { OciError } from './errors.ts'
import type { RepositoryName } from './reference.ts'
import { type Action, mergedScopes, scopeText } from './scopes.ts'
import { askForToken, basicAuthorization, type Token } from './token-service.ts'

export type Access = {
  readonly name: RepositoryName
  readonly actions: readonly Action[]
  /** Of the same registry, to mount from: pulled. */
  readonly also?: string | undefined
}

export type Authorization = {
  /** What is known to hold for this access; undefined as long as nobody has asked for anything. */
  current(access: Access): Promise<string | undefined>
  /** After a 401. `refused` is what was sent. Throws {@link OciError}. */
  renew(access: Access, challenge: string | undefined, refused: string | undefined): Promise<string>
}

type Options = {
  readonly registry: URL
  readonly credentials: CredentialSource
  readonly now: () => Date
  readonly route?: Route | undefined
  readonly tls?: TlsSettings | undefined
  readonly signal?: AbortSignal | undefined
}

type Known = { readonly token: Promise<Token>; readonly scopes: readonly string[] }

/** A token that ends within this is not begun with. */
const reserveMs = 10_000
const mostTokens = 1000

export function createAuthorization(options: Options): Authorization {
  const { registry, now } = options
  const sources = new Map<string, Promise<Credentials | undefined>>()
  const tokens = new Map<string, Known>()
  let asked: Challenge | undefined

  const credentialsOf = (name: RepositoryName): Promise<Credentials | undefined> => {
    const known = sources.get(name.repository) ?? options.credentials(name, options.signal)
    sources.set(name.repository, known)
    return known
  }

  const fetchToken = (
    access: Access,
    scopes: readonly string[],
    { parameters }: Challenge,
  ): Promise<string> => {
    const { name } = access
    const token = credentialsOf(name).then((credentials) =>
      askForToken({
        ...options,
        realm: parameters.realm ?? '',
        service: parameters.service,
        scopes,
        credentials,
      }),
    )
    const key = keyOf(access)
    if (tokens.size >= mostTokens) tokens.clear()
    tokens.set(key, { token, scopes })
    return token.then(
      (found) => {
        const { refreshToken } = found
        if (refreshToken !== undefined)
          sources.set(name.repository, Promise.resolve({ kind: 'identity_token', token: refreshToken }))
        return `Bearer ${found.token}`
      },
      (error: unknown) => {
        tokens.delete(key)
        // They may be others at the next attempt: helpers make new ones.
        sources.delete(name.repository)
        throw error
      },
    )
  }

  /** What needs no token service. */
  const directly = async ({ name }: Access, { scheme }: Challenge): Promise<string | undefined> => {
    const credentials = await credentialsOf(name)
    if (credentials?.kind === 'registry_token') return `Bearer ${credentials.token}`
    return scheme === 'basic' && credentials?.kind === 'basic' ? basicAuthorization(credentials) : undefined
  }

  return {
    async current(access) {
      if (asked === undefined) return undefined
      const direct = await directly(access, asked)
      if (direct !== undefined || asked.scheme !== 'bearer') return direct
      const known = tokens.get(keyOf(access))
      if (known === undefined) return fetchToken(access, scopesOf(access), asked)
      const { token, expiresAt } = await known.token
      if (expiresAt.getTime() - reserveMs > now().getTime()) return `Bearer ${token}`
      return fetchToken(access, known.scopes, asked)
    },

    async renew(access, header, refused) {
      const challenge = header === undefined ? undefined : parseChallenge(header)
      if (challenge === undefined)
        throw new OciError(
          'unauthorized',
          `${registry.host} wants credentials and does not say in a way known here how to give them`,
          { status: 401 },
        )
      asked = challenge
      const direct = await directly(access, challenge)
      if (direct !== undefined && direct !== refused) return direct
      if (direct !== undefined || challenge.scheme === 'basic') {
        const credentials = await credentialsOf(access.name)
        sources.delete(access.name.repository)
        throw wrongCredentials(registry, access, credentials)
      }
      const known = tokens.get(keyOf(access))
      if (known !== undefined) {
        // Somebody else may have renewed it while this request was under way.
        const held = await known.token.catch(() => undefined)
        if (held !== undefined && refused !== `Bearer ${held.token}`) return `Bearer ${held.token}`
      }
      const scopes = mergedScopes(known?.scopes ?? scopesOf(access), challenge.parameters.scope)
      return fetchToken(access, scopes, challenge)
    },
  }
}

function scopesOf({ name, actions, also }: Access): readonly string[] {
  const own = scopeText(name.repository, actions)
  return also === undefined ? [own] : [own, scopeText(also, ['pull'])]
}

function keyOf(access: Access): string {
  return scopesOf(access).join(' ')
}

function wrongCredentials(registry: URL, { name }: Access, credentials: Credentials | undefined): OciError {
  const { host } = registry
  const message =
    credentials === undefined
      ? `${host} wants credentials for ${name.repository}, and there are none for it; log in with docker login ${host}`
      : `${host} does not take ${nameOfCredentials(credentials)} for ${name.repository}; log in again with docker login ${host}`
  return new OciError('unauthorized', message, { status: 401 })
}

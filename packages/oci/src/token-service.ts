/**
 * Tokens of registries: asked from the service that the challenge names, by GET with Basic credentials or
 * none, or by POST with an identity token (OAuth 2). A realm is a place that a registry, who may be anybody,
 * has us send credentials to; so it is looked at first.
 */
import { escaped, quoted, withoutTokens } from '@sigstack/crypto'
import { networkReason, type Route, requestBounded, type TlsSettings } from '@sigstack/http-client'
import { isInternal, isLinkLocal } from './addresses.ts'
import { type Credentials, isHeaderText, nameOfCredentials } from './credentials.ts'
import { OciError } from './errors.ts'
import { member, optionalText, parseObject, type Subject } from './json-reading.ts'
import { mayBePlainHttp } from './reference.ts'
import { isPassingStatus, PassingTrouble, retryAfterMs } from './retry.ts'

export type TokenRequest = {
  /** Scheme, host and port of the registry that asks for a token. */
  readonly registry: URL
  readonly realm: string
  readonly service: string | undefined
  readonly scopes: readonly string[]
  readonly credentials: Credentials | undefined
  readonly now: () => Date
  readonly route?: Route | undefined
  readonly tls?: TlsSettings | undefined
  readonly signal?: AbortSignal | undefined
}

export type Token = {
  readonly token: string
  readonly expiresAt: Date
  /** Takes the place of the credentials from now on. */
  readonly refreshToken: string | undefined
}

const longestAnswerBytes = 256 * 1024
const longestWaitMs = 60_000
/** What the token specification says where an answer does not. */
const usualLifeSeconds = 60
const longestLifeSeconds = 24 * 3600

/** Throws {@link OciError}, or {@link PassingTrouble} around one. */
export async function askForToken(request: TokenRequest): Promise<Token> {
  const realm = checkedRealm(request.realm, request.registry)
  const { credentials } = request
  const answer =
    credentials?.kind === 'identity_token'
      ? await exchangeIdentityToken(realm, credentials.token, request)
      : await askWithBasic(realm, request)
  if (answer.status !== 200) throw refusal(realm, answer, request)
  return parseToken(answer.text(), request.now(), realm.host)
}

type Answer = Awaited<ReturnType<typeof requestBounded>>

async function askWithBasic(realm: URL, request: TokenRequest): Promise<Answer> {
  const url = new URL(realm)
  if (request.service !== undefined) url.searchParams.set('service', request.service)
  for (const scope of request.scopes) url.searchParams.append('scope', scope)
  const { credentials } = request
  const authorization = credentials?.kind === 'basic' ? basicAuthorization(credentials) : undefined
  return send(url, request, {
    method: 'GET',
    headers: authorization === undefined ? {} : { authorization },
  })
}

async function exchangeIdentityToken(realm: URL, token: string, request: TokenRequest): Promise<Answer> {
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    refresh_token: token,
    client_id: 'sigstack',
    scope: request.scopes.join(' '),
    ...(request.service !== undefined && { service: request.service }),
  })
  return send(realm, request, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: form.toString(),
  })
}

async function send(
  url: URL,
  { route, tls, signal }: TokenRequest,
  parts: { method: 'GET' | 'POST'; headers: Readonly<Record<string, string>>; body?: string },
): Promise<Answer> {
  try {
    // A redirect is an answer: the credentials are for this service alone.
    return await requestBounded(url.href, {
      ...parts,
      headers: { 'user-agent': 'sigstack', ...parts.headers },
      timeoutMs: longestWaitMs,
      maxBytes: longestAnswerBytes,
      route,
      ...(tls !== undefined && { tls }),
      ...(signal !== undefined && { signal }),
    })
  } catch (cause) {
    if (signal?.aborted === true) throw cause
    const reason = networkReason(cause)
    throw new PassingTrouble(
      new OciError('unreachable', `the token service ${url.host} cannot be reached: ${reason}`, { cause }),
    )
  }
}

export function basicAuthorization({ username, password }: { username: string; password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}

/** https, or http where the registry itself is asked so; no address inside for a registry that is outside. */
function checkedRealm(realm: string, registry: URL): URL {
  const url = realm.length > 2000 ? null : URL.parse(realm)
  const refuse = (reason: string): OciError =>
    new OciError(
      'bad_answer',
      `${registry.host} sends us for a token to ${quoted(realm, 200)}, ${reason}; no credentials were sent`,
    )
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    throw refuse('which is no URL of https')
  if (url.username !== '' || url.password !== '') throw refuse('a URL with a user name')
  if (url.protocol === 'http:' && registry.protocol !== 'http:') throw refuse('without TLS')
  const isOutside = url.host !== registry.host
  if (isOutside && (isLinkLocal(url) || (isInternal(url) && !mayBePlainHttp(registry.host))))
    throw refuse('an address of a private network')
  return url
}

/** Throws {@link OciError} `bad_answer`; repeats nothing of the answer. */
export function parseToken(text: string, now: Date, service: string): Token {
  const subject: Subject = {
    what: `the answer of the token service ${service}`,
    code: 'bad_answer',
    mostNames: 1000,
  }
  const answer = parseObject(text, subject)
  const read = (name: string): string => optionalText(answer, name, subject, longestAnswerBytes) ?? ''
  const token = read('token') || read('access_token')
  if (!isHeaderText(token)) throw new OciError('bad_answer', `${subject.what} has no token`)
  const life = member(answer, 'expires_in')
  const seconds =
    typeof life === 'number' && life >= 0 ? Math.min(life, longestLifeSeconds) : usualLifeSeconds
  const refreshToken = read('refresh_token')
  return {
    token,
    expiresAt: new Date(now.getTime() + seconds * 1000),
    refreshToken: refreshToken === '' ? undefined : refreshToken,
  }
}

function refusal(realm: URL, answer: Answer, { credentials, scopes, now, registry }: TokenRequest): Error {
  const { status } = answer
  const said = escaped(withoutTokens(answer.text()).trim(), 200)
  const who = `the token service ${realm.host} of ${registry.host}`
  const asked = `${scopes.join(' ')} to ${nameOfCredentials(credentials)}`
  const found = `${who} answers ${status} for ${asked}${said === '' ? '' : `: ${said}`}`
  if (isPassingStatus(status))
    return new PassingTrouble(
      new OciError('busy', found, { status }),
      retryAfterMs(answer.header('retry-after'), now()),
    )
  if (status === 400 || status === 401 || status === 403 || status === 404)
    return new OciError('unauthorized', `${found}; log in to ${registry.host} again`, { status })
  return new OciError('bad_answer', found, { status })
}

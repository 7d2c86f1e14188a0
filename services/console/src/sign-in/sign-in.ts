/** Signing in at an issuer of the operator's: away with a request, back with a code, and a role by what the token claims. */
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { errorCode, isObject, quoted, sha256Hex } from '@sigstack/crypto'
import { createLimiter, networkOf, type Rule } from '@sigstack/limits'
import {
  authorizationUrl,
  type Client,
  discover,
  type Issuer,
  OidcError,
  type OidcErrorCode,
  randomText,
  redeemCode,
} from '@sigstack/oidc-client'
import { SettingsError } from '@sigstack/server'
import type { Access } from '../config.ts'
import { type Cached, createCached } from '../sources/cached.ts'
import { SourceError, type SourceErrorCode } from '../sources/errors.ts'
import { createCookie } from './cookies.ts'
import { parseIssuers, type SignInIssuer } from './issuers-file.ts'
import { callbackPathOf } from './page.ts'
import { nameOf, roleOf } from './rules.ts'
import { createSeal } from './seal.ts'
import { createSessions, type Session, type Sessions } from './sessions.ts'

export type SignIn = {
  readonly publicUrl: string
  readonly issuers: readonly Pick<SignInIssuer, 'name' | 'url'>[]
  readonly sessions: Sessions
  /** `to` is a path of this site. Undefined where there is no such issuer. */
  begin(issuer: number, to: string): Promise<Sent | undefined>
  /** Throws a {@link SourceError}, and no message holds what was brought. */
  finish(brought: Brought): Promise<Arrived>
  /** Of the cookie of one that is begun. */
  clear(): string
}

export type Sent = { readonly location: string; readonly cookie: string }

/** What a browser came back with, to this path. */
export type Brought = {
  readonly path: string
  readonly query: URLSearchParams
  readonly cookies: string | undefined
  /** Of the browser, as its connection or a proxy tells it. */
  readonly address: string
}

export type Arrived = {
  readonly issuer: string
  readonly name: string
  /** Undefined: the issuer knows them, and no rule here does. */
  readonly role: Session['role'] | undefined
  readonly to: string
}

/** What is kept between the two, by the browser. */
type Begun = {
  readonly issuer: number
  readonly state: string
  readonly nonce: string
  readonly verifier: string
  readonly to: string
  readonly endsAt: number
}

/** Browsers keep no larger cookie than 4 kB. */
const longest = { to: 1_500, name: 255 }
const beginSeconds = 600
const freshMs = 60_000
const staleMs = 600_000
/** Of codes that are taken to an issuer, for each network: a cookie of one sign-in does for any number of them. */
const tries: Rule = { perSecond: 1, burst: 60 }

type Way = SignInIssuer & { readonly client: Client; readonly about: Cached<Issuer> }

/** `now`: milliseconds since the epoch; `nowMs`: of a clock that goes evenly, for limits. */
export type Clocks = { readonly now: () => number; readonly nowMs: () => number }

/** Reads the files. Throws a `SettingsError`. */
export async function openSignIn(
  { publicUrl, issuersFile, sessionKey, sessionMinutes }: Extract<Access, { mode: 'oidc' }>,
  { now, nowMs }: Clocks,
): Promise<SignIn> {
  const limiter = createLimiter({ rules: [tries], nowMs })
  const text = await textIn(issuersFile, 'CONSOLE_ISSUERS_FILE')
  const ways = await Promise.all(
    parseIssuers(text).map(async (issuer): Promise<Way> => {
      const { url, clientId: id, clientSecretFile: file } = issuer
      const secret = file === undefined ? undefined : (await textIn(file, 'clientSecretFile')).trim()
      const about = createCached(() => discover(url), { freshMs, staleMs, now })
      return { ...issuer, client: { id, secret }, about }
    }),
  )
  const isSecure = publicUrl.startsWith('https:')
  const secret = sessionKey ?? randomBytes(32).toString('base64')
  const begun = { seal: createSeal(secret, 'sign-in'), cookie: createCookie('sigstack-sign-in', isSecure) }
  const sessions = createSessions({
    // Who was let in by other rules is let in no longer.
    seal: createSeal(secret, `session by ${sha256Hex(text)}`),
    cookie: createCookie('sigstack-session', isSecure),
    seconds: sessionMinutes * 60,
    now,
  })

  function requestIn(cookies: string | undefined): Begun | undefined {
    const sealed = begun.cookie.in(cookies)
    const request = sealed === undefined ? undefined : begun.seal.open(sealed)
    return isObject(request) && now() < (request as Begun).endsAt ? (request as Begun) : undefined
  }

  return {
    publicUrl,
    issuers: ways,
    sessions,
    clear: begun.cookie.clear,
    async begin(at, to) {
      const way = ways[at]
      if (way === undefined) return undefined
      const [state, nonce, verifier] = [randomText(), randomText(), randomText()]
      const issuer = await aboutOf(way)
      const { scope, client } = way
      const redirectUri = publicUrl + callbackPathOf(at)
      const request = { clientId: client.id, redirectUri, scope, state, nonce, verifier }
      const { href: location } = asSource(() => authorizationUrl(issuer, request))
      const kept: Begun = {
        issuer: at,
        state,
        nonce,
        verifier,
        to: ownPath(to),
        endsAt: now() + beginSeconds * 1000,
      }
      return { location, cookie: begun.cookie.set(begun.seal.seal(kept), beginSeconds) }
    },
    async finish({ path, query, cookies, address }) {
      const request = requestIn(cookies)
      const way = ways[request?.issuer ?? -1]
      // Any page can send a browser here with what it likes.
      if (request === undefined || way === undefined || query.get('state') !== request.state)
        throw refused('this sign-in was not begun here, or too long ago: begin again')
      const issuer = await aboutOf(way)
      // RFC 9207: another issuer's answer is none to this request.
      const answering = query.get('iss') ?? (issuer.tellsItself ? undefined : issuer.url)
      if (path !== callbackPathOf(request.issuer) || answering !== issuer.url)
        throw refused('another issuer has answered')
      const code = query.get('code')
      if (code === null || code === '')
        throw refused(`the issuer signs nobody in: ${quoted(query.get('error') ?? 'no reason', 100)}`)
      const { allowed, retryAfterSeconds } = await limiter.take(networkOf(address))
      if (!allowed) {
        const why = `too many sign-ins were tried from your network; try again in ${retryAfterSeconds} s`
        throw new SourceError('too_many', why, { retryAfterSeconds })
      }
      const redirectUri = publicUrl + path
      const { claims } = await redeemCode(code, issuer, way.client, { ...request, redirectUri }).catch(
        asFault,
      )
      const name = nameOf(claims)
      if (name.length > longest.name) throw refused(`a name of ${name.length} characters is no name`)
      return { issuer: way.name, name, role: roleOf(claims, way), to: request.to }
    },
  }
}

async function aboutOf({ about, url }: Way): Promise<Issuer> {
  const { value, fault } = await about.current()
  if (value === undefined) throw new SourceError('unavailable', fault ?? `the issuer ${url} does not answer`)
  return value
}

/** A path of this site that a cookie has room for, or else the front page. */
function ownPath(to: string): string {
  const base = 'http://console'
  const url = URL.parse(to, base)
  if (url?.origin !== base) return '/'
  const path = url.pathname + url.search
  return path.length > longest.to || path.startsWith('//') ? '/' : path
}

const codes = {
  unreachable: 'unavailable',
  bad_issuer: 'malformed',
  no_token: 'refused',
} satisfies Record<OidcErrorCode, SourceErrorCode>

function asFault(error: unknown): never {
  if (!(error instanceof OidcError)) throw error
  throw new SourceError(codes[error.code], error.message, { cause: error })
}

function asSource<T>(make: () => T): T {
  try {
    return make()
  } catch (error) {
    return asFault(error)
  }
}

function refused(why: string): SourceError {
  return new SourceError('refused', why)
}

async function textIn(file: string, variable: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw new SettingsError([`${variable}: ${file} cannot be read (${errorCode(cause) ?? 'no reason'})`])
  }
}

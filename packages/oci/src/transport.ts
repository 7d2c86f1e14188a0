/**
 * Requests to registries: scheme, authorization, redirects and retries in one place. Credentials are for the
 * registry's own origin, so a redirect to another one goes without them.
 */
import { escaped, memberAt, withoutTokens } from '@sigstack/crypto'
import {
  answersPlainly,
  type Exchange,
  HttpError,
  isCertificateTrouble,
  networkReason,
  openExchange,
  type Route,
  readBounded,
  type TlsSettings,
} from '@sigstack/http-client'
import { isLinkLocal } from './addresses.ts'
import { type Access, type Authorization, createAuthorization } from './authorization.ts'
import type { CredentialSource } from './credentials.ts'
import { OciError, type OciErrorCode } from './errors.ts'
import { isThisMachine, mayBePlainHttp, repositoryText } from './reference.ts'
import {
  isPassingHttpError,
  isPassingStatus,
  PassingTrouble,
  type Patience,
  retryAfterMs,
  withPatience,
} from './retry.ts'

export type TransportOptions = {
  readonly credentials: CredentialSource
  readonly patience: Patience
  /** Plain http where there is no TLS. */
  readonly allowHttp: boolean
  readonly tls: TlsSettings | undefined
  readonly route: Route | undefined
  readonly idleTimeoutMs: number
  readonly signal: AbortSignal | undefined
  readonly now: () => Date
}

export type Call = {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Below the registry, from `/v2/` on; or a URL that the registry gave. */
  readonly path: string | URL
  readonly access: Access
  readonly headers?: Readonly<Record<string, string>>
  /** Opened anew for each attempt. */
  readonly body?: () => Uint8Array | AsyncIterable<Uint8Array>
  /** Answers that are no error. */
  readonly expects: readonly number[]
  /** What is asked for, as in "cannot read WHAT". */
  readonly what: string
  /** The caller repeats a larger step in its place. Default: by the patience of the transport. */
  readonly isTriedOnce?: boolean
}

export type Answer = Exchange & { readonly url: URL }

export type Transport = {
  /** Throws {@link OciError}. Whoever calls reads or discards the body. */
  call(call: Call): Promise<Answer>
  /** `step` again while it meets trouble that may pass. */
  patiently<T>(step: () => Promise<T>): Promise<T>
}

const mostRedirects = 5
/** Some proxies before registries answer nobody without a name. */
const userAgent = 'sigstack'

export function createTransport(registry: string, options: TransportOptions): Transport {
  const { patience, signal } = options
  let base: Promise<URL> | undefined
  let authorization: Authorization | undefined

  const origin = async (): Promise<URL> => {
    base ??= findOrigin(registry, options)
    try {
      return await base
    } catch (error) {
      base = undefined
      throw error
    }
  }

  const attempt = async (call: Call): Promise<Answer> => {
    const own = await origin()
    authorization ??= createAuthorization({ ...options, registry: own })
    const first = placeOf(call.path, own, call)
    let header = await authorization.current(call.access)
    for (let renewals = 0; ; renewals++) {
      const answer = await follow(first, own, call, header, options)
      if (answer.status !== 401 || answer.url.origin !== own.origin) return answer
      await answer.discard()
      // The second challenge may name a scope that the first did not; a third one leads nowhere.
      if (renewals === 2) throw await refusalOf(answer, call, registry, options.now())
      header = await authorization.renew(call.access, answer.header('www-authenticate'), header)
    }
  }

  const checked = async (call: Call): Promise<Answer> => {
    const answer = await attempt(call)
    if (call.expects.includes(answer.status)) return answer
    throw await refusalOf(answer, call, registry, options.now())
  }

  return {
    call: (call) =>
      call.isTriedOnce === true ? checked(call) : withPatience(patience, signal, () => checked(call)),
    patiently: (step) => withPatience(patience, signal, step),
  }
}

/**
 * As go-containerregistry: TLS first; where plain http is allowed, it is tried when nobody speaks TLS there. On this machine a
 * look comes before: loading TLS for nothing takes a command longer than all of its requests.
 */
async function findOrigin(registry: string, options: TransportOptions): Promise<URL> {
  const secure = new URL(`https://${registry}`)
  const plain = new URL(`http://${registry}`)
  if (!options.allowHttp && !mayBePlainHttp(registry)) return secure
  const { idleTimeoutMs, signal, route, tls } = options
  try {
    if (isThisMachine(registry) && (await answersPlainly(plain, idleTimeoutMs, signal))) return plain
    const answer = await openExchange(`${secure.href}v2/`, {
      method: 'GET',
      idleTimeoutMs,
      signal,
      route,
      tls,
    })
    await answer.discard()
    return secure
  } catch (error) {
    // Somebody speaks TLS there, and asking without it would only hide that.
    const isOffline = error instanceof HttpError && error.code === 'offline'
    if (!(error instanceof HttpError) || isOffline || isCertificateTrouble(error) || isAlert(error))
      throw unreachable(registry, error)
    return plain
  }
}

/**
 * A place that the registry names, on its own host, is asked as the registry is: proxies before it forget
 * about TLS. No registry has us ask services of the cloud around us, as a job in it may.
 */
function placeOf(path: string | URL, own: URL, { what }: Call): URL {
  const place = new URL(path, own)
  if (place.host === own.host) place.protocol = own.protocol
  const refuse = (reason: string): OciError =>
    new OciError(
      'bad_answer',
      `${own.host} sends us for ${what} to ${escaped(place.host, 100)}${reason}; nothing was sent there`,
    )
  if (place.protocol !== 'https:' && place.protocol !== own.protocol) throw refuse(' without TLS')
  if (isLinkLocal(place) && !isLinkLocal(own)) throw refuse(', a link-local address')
  return place
}

async function follow(
  first: URL,
  own: URL,
  call: Call,
  authorization: string | undefined,
  options: TransportOptions,
): Promise<Answer> {
  const { method, headers = {}, body } = call
  const { idleTimeoutMs, signal, route, tls } = options
  let url = first
  for (let redirects = 0; ; redirects++) {
    const isOwn = url.origin === own.origin
    const exchange = await openExchange(url.href, {
      method,
      headers: {
        'user-agent': userAgent,
        ...headers,
        ...(isOwn && authorization !== undefined && { authorization }),
      },
      ...(body !== undefined && { body: body() }),
      idleTimeoutMs,
      signal,
      route,
      tls,
    }).catch((cause: unknown) => {
      throw troubleOf(url, cause)
    })
    const location = exchange.header('location')
    const isRedirect = [301, 302, 303, 307, 308].includes(exchange.status) && location !== undefined
    if (!isRedirect || call.expects.includes(exchange.status)) return { ...exchange, url }
    await exchange.discard()
    const next = URL.parse(location, url.href)
    const mayFollow = method === 'GET' || method === 'HEAD' || exchange.status >= 307
    if (next === null || !mayFollow || redirects === mostRedirects)
      throw new OciError(
        'bad_answer',
        `${url.host} redirects ${method} of ${call.what} to ${escaped(location, 200)}, which is not followed`,
      )
    url = placeOf(next, own, call)
  }
}

function troubleOf(url: URL, cause: unknown): unknown {
  if (!(cause instanceof HttpError)) return cause
  const error = unanswered(url.host, cause)
  return isPassingHttpError(cause, isCertificateTrouble(cause)) ? new PassingTrouble(error) : error
}

/** What is no trouble of the network stays as it is. */
export function unreachable(host: string, cause: unknown): unknown {
  return cause instanceof HttpError ? unanswered(host, cause) : cause
}

function unanswered(host: string, cause: HttpError): OciError {
  const advice = isCertificateTrouble(cause)
    ? '; if its certificate is from your own CA, give that with --registry-cacert'
    : isAlert(cause)
      ? '; if it wants a certificate of yours, give that with --registry-client-cert and --registry-client-key'
      : ''
  return new OciError('unreachable', `${host} does not answer: ${networkReason(cause)}${advice}`, { cause })
}

/** Only somebody who speaks TLS sends one (RFC 8446 section 6). */
function isAlert(error: HttpError): boolean {
  return /^ERR_SSL_[A-Z0-9_/]*ALERT/.test(error.message)
}

const mostErrorBytes = 64 * 1024

async function refusalOf(answer: Answer, call: Call, registry: string, now: Date): Promise<Error> {
  const { status } = answer
  const words = await wordsOf(answer)
  const { name } = call.access
  const who = answer.url.host === registry ? registry : `${registry} (by way of ${answer.url.host})`
  const found = `${who} answers ${status} to ${call.method} of ${call.what}${words}`
  const advice = adviceFor(status, repositoryText(name))
  const error = new OciError(codeOf(status), `${found}${advice}`, { status })
  if (!isPassingStatus(status)) return error
  return new PassingTrouble(error, retryAfterMs(answer.header('retry-after'), now))
}

/** What the registry says, in the shape that the specification gives it, else the beginning of it. */
async function wordsOf(answer: Answer): Promise<string> {
  let text: string
  try {
    text = (await readBounded(answer.body, mostErrorBytes)).toString()
  } catch {
    await answer.discard()
    return ''
  }
  const errors = errorsIn(text)
  const words = errors.length === 0 ? text.trim() : errors.join('; ')
  return words === '' ? '' : `: ${escaped(withoutTokens(words), 300)}`
}

function errorsIn(text: string): readonly string[] {
  try {
    const errors = memberAt(JSON.parse(text), 'errors')
    if (!Array.isArray(errors)) return []
    return errors
      .slice(0, 5)
      .map((each: unknown) =>
        [memberAt(each, 'code'), memberAt(each, 'message')]
          .filter((part) => typeof part === 'string')
          .join(' '),
      )
  } catch {
    return []
  }
}

function codeOf(status: number): OciErrorCode {
  if (status === 401) return 'unauthorized'
  if (status === 403) return 'denied'
  if (status === 404) return 'not_found'
  if (status === 405) return 'unsupported'
  if (status === 412) return 'conflict'
  if (status === 413) return 'too_large'
  return isPassingStatus(status) || status >= 500 ? 'busy' : 'bad_answer'
}

function adviceFor(status: number, repository: string): string {
  if (status === 401) return `; log in to it again`
  if (status === 403) return `; ask for access to ${repository}, or log in as somebody who has it`
  if (status === 404)
    return `; look whether ${repository} and what is asked of it are there, and visible to you`
  if (status === 405) return '; the registry has this switched off'
  return isPassingStatus(status) ? '; try again later' : ''
}

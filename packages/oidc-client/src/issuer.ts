/** What an issuer of tokens says of itself (OpenID Connect Discovery 1.0), and forms that it is sent. Bounded in time and size. */
import { isObject, memberAt, parseBoundedJson, quoted, withoutEnd } from '@sigstack/crypto'
import { type HttpRequest, networkReason, requestBounded } from '@sigstack/http-client'
import { OidcError } from './errors.ts'

export type Issuer = {
  readonly url: string
  readonly tokenEndpoint: string
  readonly keysUrl: string
  readonly authorizationEndpoint: string | undefined
  readonly deviceEndpoint: string | undefined
  /** PKCE by S256, without which a code could be used by whoever sees it. */
  readonly hasPkce: boolean
  /** Whether `iss` is in each of its answers to a browser (RFC 9207). */
  readonly tellsItself: boolean
  /** Where a trial issuer gives a token to whoever asks; on its own origin. */
  readonly trialEndpoint: string | undefined
}

/** As whom is asked. */
export type Client = { readonly id: string; readonly secret: string | undefined }

export type Answer = { readonly status: number; readonly members: object }

const bounds = { timeoutMs: 30_000, maxBytes: 256 << 10 } as const

/** What answers at `url`, an http or https one. Throws `unreachable` and `bad_issuer`. */
export async function discover(url: string): Promise<Issuer> {
  const bad = (why: string) => new OidcError('bad_issuer', url, why)
  const { status, members } = await ask(`${withoutEnd(url, '/')}/.well-known/openid-configuration`, {})
  if (status !== 200) throw bad(`the issuer ${url} answers with status ${status}`)
  const told = memberAt(members, 'issuer')
  if (told !== url && told !== withoutEnd(url, '/'))
    throw bad(`what answers at ${url} is the issuer ${quoted(String(told), 200)}`)
  const endpoint = (name: string): string | undefined => {
    const found = memberAt(members, name)
    // Nobody makes us send a code in the clear whose issuer speaks TLS.
    const scheme = url.startsWith('https:') ? /^https:/ : /^https?:/
    return typeof found === 'string' && scheme.test(found) && URL.canParse(found) ? found : undefined
  }
  const demanded = (name: string): string => {
    const found = endpoint(name)
    if (found === undefined) throw bad(`the issuer ${url} tells no ${name}`)
    return found
  }
  const trial = endpoint('sigstack_trial_token_endpoint')
  const methods = memberAt(members, 'code_challenge_methods_supported')
  return {
    url: told,
    tokenEndpoint: demanded('token_endpoint'),
    keysUrl: demanded('jwks_uri'),
    authorizationEndpoint: endpoint('authorization_endpoint'),
    deviceEndpoint: endpoint('device_authorization_endpoint'),
    // Microsoft's has it, and does not say so.
    hasPkce:
      (Array.isArray(methods) && methods.includes('S256')) ||
      url.startsWith('https://login.microsoftonline.com/'),
    tellsItself: memberAt(members, 'authorization_response_iss_parameter_supported') === true,
    trialEndpoint: trial !== undefined && new URL(trial).origin === new URL(url).origin ? trial : undefined,
  }
}

/** An answer of any status; of one whose body is no object, no members. Throws `unreachable`. */
export async function ask(url: string, request: Pick<HttpRequest, 'headers' | 'body'>): Promise<Answer> {
  const { headers, body } = request
  const answer = await requestBounded(url, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { accept: 'application/json', ...headers },
    ...(body !== undefined && { body }),
    ...bounds,
  }).catch((cause: unknown) => {
    throw new OidcError('unreachable', url, `${url} does not answer (${networkReason(cause)})`, { cause })
  })
  return { status: answer.status, members: objectIn(answer.text()) ?? {} }
}

export async function sendForm(
  url: string,
  client: Client,
  form: Readonly<Record<string, string>>,
): Promise<Answer> {
  const { id, secret } = client
  // RFC 6749 section 2.3.1; a client without a secret only says its name.
  const basic = [id, secret ?? ''].map(encodeURIComponent).join(':')
  const body = new URLSearchParams({ ...form, ...(secret === undefined && { client_id: id }) })
  return ask(url, {
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      ...(secret !== undefined && { authorization: `Basic ${Buffer.from(basic).toString('base64')}` }),
    },
    body: body.toString(),
  })
}

/** The ID token of a token endpoint's answer. No error repeats it. Throws `no_token`. */
export function idTokenIn({ status, members }: Answer, issuer: Issuer): string {
  const token = memberAt(members, 'id_token')
  if (status === 200 && typeof token === 'string' && token !== '') return token
  const why = reasonIn({ status, members })
  throw new OidcError('no_token', issuer.url, `the issuer ${issuer.url} gives no token: ${why}`)
}

/** In the words of OAuth, which are somebody else's. */
export function reasonIn({ status, members }: Answer): string {
  const words = ['error', 'error_description'].map((name) => memberAt(members, name))
  const told = words.filter((word) => typeof word === 'string').map((word) => quoted(word, 200))
  return told.length > 0 ? told.join(': ') : `status ${status}, without an ID token`
}

function objectIn(text: string): object | undefined {
  try {
    const found: unknown = parseBoundedJson(text)
    return isObject(found) ? found : undefined
  } catch {
    return undefined
  }
}

/** Makes the requests of the outer server into what oidc-provider, mounted below a path, expects. */
import { IncomingMessage } from 'node:http'

/**
 * oidc-provider takes a path below its mount, and makes its URLs from the host that was asked. Ours are the
 * issuer's whatever name the requester reached us by, and no requester chooses where others are sent.
 */
export function placeAtIssuer(request: IncomingMessage, issuer: URL, mount: string): void {
  const { url = '/', headers } = request
  request.url = url.startsWith(`${mount}/`) ? url.slice(mount.length) : url
  headers.host = issuer.host
  delete headers['x-forwarded-host']
  headers['x-forwarded-proto'] = issuer.protocol.slice(0, -1)
}

/**
 * One browser plays many people in a trial, so no sign-in knows of the last one, and the page asks each
 * time. Only the form of the device page needs its session back.
 */
export function dropSession({ headers }: IncomingMessage): void {
  if (headers.cookie === undefined) return
  headers.cookie = headers.cookie
    .split(';')
    .filter((cookie) => !/^\s*_session(\.sig)?=/.test(cookie))
    .join(';')
}

const forms = new WeakMap<IncomingMessage, URLSearchParams>()

/** Of a request made by {@link withForm}. */
export function formWithin(request: IncomingMessage): URLSearchParams | undefined {
  return forms.get(request)
}

/** A request with the given form as its body. The outer server has read the first one to its end. */
export function withForm(request: IncomingMessage, form: URLSearchParams): IncomingMessage {
  const body = Buffer.from(form.toString())
  const copy = new IncomingMessage(request.socket)
  copy.method = request.method
  copy.url = request.url
  copy.httpVersion = request.httpVersion
  copy.headers = {
    ...request.headers,
    'content-type': 'application/x-www-form-urlencoded',
    'content-length': String(body.length),
  }
  delete copy.headers['transfer-encoding']
  copy.push(body)
  copy.push(null)
  copy.complete = true
  forms.set(copy, form)
  return copy
}

/**
 * sigstore-python, and cosign at its first attempt, authenticate the public client by HTTP Basic with an
 * empty secret, which oidc-provider refuses. It means the same as naming the client in the form.
 */
export function acceptEmptySecret(request: IncomingMessage, form: URLSearchParams): void {
  const [, encoded] = /^basic ([A-Za-z0-9+/]+=*)$/i.exec(request.headers.authorization ?? '') ?? []
  if (encoded === undefined) return
  const [, id] = /^([\w.~%-]+):$/.exec(Buffer.from(encoded, 'base64').toString('utf8')) ?? []
  if (id === undefined) return
  delete request.headers.authorization
  if (!form.has('client_id')) form.set('client_id', id)
}

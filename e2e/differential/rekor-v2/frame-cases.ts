/** What the frame of the interface refuses or reads in more than one way: types, sizes, methods, paths. */
import type { Request } from '../exchange.ts'
import { type Case, entriesPath, posted } from './case.ts'
import { requestFor } from './requests.ts'
import { bodyLimitBytes } from './servers.ts'

const origin = { origin: 'https://example.org' }

export function frameCases(): readonly Case[] {
  const type = (contentType: string | undefined): Case => {
    const name = `POST of type ${contentType ?? 'none'}`
    const { request } = posted(name, requestFor(name))
    return {
      name,
      request: { ...request, headers: contentType === undefined ? {} : { 'content-type': contentType } },
    }
  }
  const from = (name: string, more: Partial<Request>): Case => {
    const { request } = posted(name, requestFor(name))
    return { name: `POST ${name}`, request: { ...request, ...more } }
  }
  const asked = (method: string, path: string, headers: Record<string, string> = {}): Case => ({
    name: `${method} ${path}`,
    request: { method, path, headers },
  })
  const json = { 'content-type': 'application/json' }
  const padded = (bytes: number) => JSON.stringify(requestFor(`${bytes}`)).padEnd(bytes)
  return [
    ...[undefined, 'application/json; charset=utf-8', 'text/plain', 'application/octet-stream', 'x'].map(
      type,
    ),
    from('accepting JSON', { headers: { ...json, accept: 'application/json' } }),
    from('accepting text', { headers: { ...json, accept: 'text/plain' } }),
    from('from a page of another origin', { headers: { ...json, ...origin } }),
    from('with a slash behind', { path: `${entriesPath}/` }),
    from('with a query', { path: `${entriesPath}?x=1` }),
    from('with doubled slashes', { path: `/${entriesPath}` }),
    posted('POST of as many bytes as may be', padded(bodyLimitBytes)),
    posted('POST of a byte more', padded(bodyLimitBytes + 1)),
    posted('POST of twice as many', padded(2 * bodyLimitBytes)),
    ...['GET', 'HEAD', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'].map((method) => asked(method, entriesPath)),
    asked('OPTIONS', `${entriesPath}?preflight`, {
      ...origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type',
    }),
    ...['/', '/healthz', '/nothing', '/api/v2', '/api/v2/log', '/api/v1/log', `${entriesPath}/1`].map(
      (path) => asked('GET', path),
    ),
    asked('HEAD', '/healthz'),
    asked('POST', '/healthz'),
    asked('POST', '/nothing'),
  ]
}

/** What the frame of the interface refuses or reads in more than one way: types, sizes, methods, paths, and what is asked without a digest. */
import { encodeTimestampRequest } from '@sigstack/timestamp'
import type { Request } from '../exchange.ts'
import { type Case, digestOf, stamped, stampPath } from './case.ts'
import { bodyLimitBytes } from './servers.ts'

const query = 'application/timestamp-query'
const chainPath = `${stampPath}/certchain`
const origin = { origin: 'https://example.org' }
const good = encodeTimestampRequest({ hash: 'sha256', imprint: digestOf('sha256') })

export function frameCases(): readonly Case[] {
  return [...typeCases(), ...sizeCases(), ...readCases()]
}

function typeCases(): readonly Case[] {
  const types = [
    query,
    'Application/Timestamp-Query',
    `${query};`,
    `${query}; charset=utf-8`,
    `${query}; charset`,
    ` ${query} `,
    `${query}, application/json`,
    'application/json; charset=utf-8',
    'application/x-json',
    'application/timestamp-reply',
    'application/octet-stream',
    'application/',
    'application',
    'text/plain',
    '*/*',
    'x',
  ]
  const from = (name: string, headers: Readonly<Record<string, string>>): Case => ({
    name: `POST ${name}`,
    request: { ...stamped(good, query), headers: { 'content-type': query, ...headers } },
  })
  return [
    ...types.map((type): Case => ({ name: `POST of type "${type}"`, request: stamped(good, type) })),
    { name: 'POST of no type', request: { ...stamped(good, query), headers: {} } },
    from('from a page of another origin', origin),
    ...['application/timestamp-reply', 'application/json', '*/*', 'text/html'].map((accept) =>
      from(`accepting ${accept}`, { accept }),
    ),
    from('with a gzip that is none', { 'content-encoding': 'gzip' }),
    from('with a request ID', { 'x-request-id': 'one' }),
  ]
}

function sizeCases(): readonly Case[] {
  return [bodyLimitBytes, bodyLimitBytes + 1, 4 * bodyLimitBytes].flatMap((bytes) =>
    [query, 'application/json', 'text/plain'].map((type) => ({
      name: `POST of ${bytes} bytes of type ${type}`,
      request: stamped(Buffer.alloc(bytes, 0x30), type),
    })),
  )
}

function readCases(): readonly Case[] {
  const asked = (method: string, path: string, more: Partial<Request> = {}): Case => ({
    name: `${method} ${path}${more.headers === undefined ? '' : ` with ${Object.keys(more.headers).join(', ')}`}`,
    request: { method, path, ...more },
  })
  const preflight = (path: string, method: string): Case =>
    asked('OPTIONS', path, {
      headers: {
        ...origin,
        'access-control-request-method': method,
        'access-control-request-headers': 'content-type',
      },
    })
  const posted = (path: string): Case => ({
    name: `POST ${path}`,
    request: { ...stamped(good, query), path },
  })
  return [
    ...[chainPath, `${chainPath}?x=1`, `${chainPath}/`, `/${chainPath}`, chainPath.toUpperCase()].map(
      (path) => asked('GET', path),
    ),
    asked('GET', chainPath, { headers: { accept: 'application/json' } }),
    asked('GET', chainPath, { headers: origin }),
    ...['HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS'].map((method) => asked(method, chainPath)),
    ...['GET', 'HEAD', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'].map((method) => asked(method, stampPath)),
    ...[`${stampPath}?x=1`, `${stampPath}/`, `/${stampPath}`, '/api/v2/timestamp', '/nothing'].map(posted),
    ...['/', '/ping', '/PING', '/ping/', '/nothing', '/api/v1', '/healthz'].map((path) => asked('GET', path)),
    asked('HEAD', '/ping'),
    asked('POST', '/ping'),
    preflight(stampPath, 'POST'),
    preflight(chainPath, 'GET'),
    preflight(stampPath, 'DELETE'),
    preflight('/nothing', 'GET'),
  ]
}

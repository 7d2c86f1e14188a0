/** What the frame of the interface refuses or reads in more than one way: bodies, types, methods, paths. */
import type { Request } from '../exchange.ts'
import { type Case, get, post } from './cases.ts'
import { bodyLimitBytes } from './servers.ts'
import type { Proposal } from './vectors.ts'

const entries = '/api/v1/log/entries'
const nowhere = '0'.repeat(64)

const asked = (name: string, request: Request): Case => ({ name, request: () => request })

export function frameCases(good: Proposal): readonly Case[] {
  const written = (what: string, more: Partial<Request>): Case =>
    asked(`POST ${what}`, { ...post(entries, good), ...more })
  const origin = { origin: 'https://example.org' }
  return [
    written('an empty body', { body: '' }),
    written('broken JSON', { body: '{' }),
    written('null', { body: 'null' }),
    written('a list', { body: '[]' }),
    written('a text', { body: '"x"' }),
    written('something behind it', { body: `${JSON.stringify(good)} x` }),
    written('a second object behind it', { body: `${JSON.stringify(good)}{}` }),
    written('a byte order mark', { body: `\uFEFF${JSON.stringify(good)}` }),
    written('no content type', { headers: {} }),
    written('of another content type', { headers: { 'content-type': 'text/plain' } }),
    written('as YAML', { headers: { 'content-type': 'application/yaml' } }),
    written('with a charset', { headers: { 'content-type': 'application/json; charset=utf-8' } }),
    written('accepting YAML', {
      headers: { 'content-type': 'application/json', accept: 'application/yaml' },
    }),
    written('accepting anything', { headers: { 'content-type': 'application/json', accept: '*/*' } }),
    written('from a page of another origin', { headers: { 'content-type': 'application/json', ...origin } }),
    written('above the limit', { body: JSON.stringify({ ...good, x: 'x'.repeat(bodyLimitBytes) }) }),
    written('with a slash behind', { path: `${entries}/` }),
    written('with a query', { path: `${entries}?x=1` }),
    asked('GET publicKey as JSON', {
      ...get('/api/v1/log/publicKey'),
      headers: { accept: 'application/json' },
    }),
    asked('GET log as PEM', { ...get('/api/v1/log'), headers: { accept: 'application/x-pem-file' } }),
    asked('GET log from a page of another origin', { ...get('/api/v1/log'), headers: origin }),
    ...['/api/v1/log', entries, '/nothing'].map((path) =>
      asked(`OPTIONS ${path}`, {
        method: 'OPTIONS',
        path,
        headers: {
          ...origin,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'content-type',
        },
      }),
    ),
    ...[
      ['POST', '/api/v1/log'],
      ['HEAD', '/api/v1/log'],
      ['DELETE', entries],
      ['PUT', `${entries}/${nowhere}`],
      ['GET', '/api/v1/index/retrieve'],
      ['GET', `${entries}/retrieve`],
    ].map(([method = '', path = '']) => asked(`${method} ${path}`, { method, path })),
    ...['/ping', '/PING', '/api/v1/log/nothing', '/api/v2/log', '/nothing', '/api/v1'].map((path) =>
      asked(`GET ${path}`, get(path)),
    ),
    asked('HEAD /ping', { method: 'HEAD', path: '/ping' }),
  ]
}

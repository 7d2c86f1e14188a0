/** What is asked without a token, and what nobody serves. */
import type { Request } from '../exchange.ts'
import type { Case } from './cases.ts'

export function readCases(): readonly Case[] {
  const asked = (method: string, path: string, more: Partial<Request> = {}): Case => ({
    name: `${method} ${path}${more.headers === undefined ? '' : ` with ${Object.keys(more.headers).join(', ')}`}`,
    request: { method, path, ...more },
  })
  const preflight = (path: string, method: string): Case =>
    asked('OPTIONS', path, {
      headers: {
        origin: 'https://example.org',
        'access-control-request-method': method,
        'access-control-request-headers': 'content-type',
      },
    })
  return [
    asked('GET', '/api/v2/trustBundle'),
    asked('GET', '/api/v2/configuration'),
    asked('GET', '/api/v1/rootCert'),
    asked('GET', '/healthz'),
    asked('GET', '/api/v2/trustBundle?x=1'),
    asked('GET', '/api/v2/trustBundle/'),
    asked('GET', '/api/v2/trustbundle'),
    asked('GET', '/api/v2/trustBundle', { headers: { origin: 'https://example.org' } }),
    asked('HEAD', '/api/v2/trustBundle'),
    asked('POST', '/api/v2/trustBundle', { body: '{}' }),
    asked('GET', '/api/v2/signingCert'),
    asked('GET', '/api/v1/signingCert'),
    asked('PUT', '/api/v2/signingCert', { body: '{}' }),
    asked('DELETE', '/api/v1/rootCert'),
    asked('POST', '/api/v2/signingCert/', { body: '{}' }),
    asked('POST', '//api/v2/signingCert', { body: '{}' }),
    asked('GET', '/'),
    asked('GET', '/nothing'),
    asked('POST', '/nothing', { body: '{}' }),
    asked('GET', '/api/v3/trustBundle'),
    asked('OPTIONS', '/api/v2/signingCert'),
    preflight('/api/v2/signingCert', 'POST'),
    preflight('/api/v1/signingCert', 'POST'),
    preflight('/api/v2/trustBundle', 'GET'),
    preflight('/api/v2/signingCert', 'DELETE'),
    preflight('/nothing', 'GET'),
  ]
}

/** Requests as text: JSON of every unexpected form, and what is no JSON at all. */
import type { Case, CaseMaterial } from './cases.ts'
import { email } from './issuer-kinds.ts'
import { prove, v2Request } from './signing-request.ts'

export function textCases({ issuer, keys }: CaseMaterial): readonly Case[] {
  const key = keys.good['P-256']
  const token = issuer.token('email')
  const good = String(v2Request({ token, publicKey: key.pem, proof: prove(key, email) }).body)
  const sent = (name: string, body: string | Buffer, path = '/api/v2/signingCert'): Case => ({
    name: `body: ${name}`,
    request: { method: 'POST', path, headers: { 'content-type': 'application/json' }, body },
    spki: key.spki,
  })
  const notUtf8 = Buffer.concat([Buffer.from('{"x":"'), Buffer.of(0xff, 0xfe), Buffer.from('"}')])
  return [
    sent('empty', ''),
    sent('empty object', '{}'),
    sent('null', 'null'),
    sent('a list', '[]'),
    sent('a text', '"x"'),
    sent('a number', '1'),
    sent('broken', '{"credentials":'),
    sent('no JSON', 'credentials=x'),
    sent('something behind it', `${good} x`),
    sent('a second object behind it', `${good}{}`),
    sent('space around it', ` \n${good}\n `),
    sent('byte order mark', `\uFEFF${good}`),
    sent('a name twice', good.replace('"credentials"', '"credentials":{},"credentials"')),
    sent('invalid UTF-8', notUtf8),
    sent('a comment', good.replace('{', '{/*x*/')),
    sent('a comma at the end', good.replace(/\}$/, ',}')),
    sent('nested 20,000 deep', `{"x":${'['.repeat(20_000)}${']'.repeat(20_000)}}`),
    sent('5 MiB', JSON.stringify({ x: 'x'.repeat(5 << 20) })),
    sent('v1 empty', '', '/api/v1/signingCert'),
    sent('v1 broken', '{', '/api/v1/signingCert'),
  ]
}

/** Identities of every kind, and tokens that must be refused. */
import { createHmac, generateKeyPairSync, sign } from 'node:crypto'
import type { Case, CaseMaterial } from './cases.ts'
import { type Claims, email, type IssuerKind, issuerKinds, provenName } from './issuer-kinds.ts'
import { prove, v2Request } from './signing-request.ts'
import type { TokenForm } from './token-issuer.ts'

export function tokenCases({ issuer, keys }: CaseMaterial): readonly Case[] {
  const key = keys.good['P-256']
  const withToken = (name: string, token: string, proven: string): Case => ({
    name,
    request: v2Request({ token, publicKey: key.pem, proof: prove(key, proven) }),
    spki: key.spki,
  })
  const token = (name: string, more: Claims, form: TokenForm = {}, kind: IssuerKind = 'email'): Case =>
    withToken(
      `token: ${name}`,
      issuer.token(kind, more, form),
      textOf(kind === 'email' ? more.email : more.sub) ?? provenName(kind, issuer.url),
    )
  const raw = (name: string, text: string): Case => withToken(`token: ${name}`, text, email)
  const good = issuer.token('email')
  const [header = '', payload = '', signature = ''] = good.split('.')
  const now = Math.floor(Date.now() / 1000)
  const foreign = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey

  return [
    ...issuerKinds.map((kind) =>
      withToken(`identity: ${kind}`, issuer.token(kind), provenName(kind, issuer.url)),
    ),
    token('github with an environment', { environment: 'production' }, {}, 'github'),
    token(
      'github, a workflow name with a space',
      { job_workflow_ref: 'o/r/.github/workflows/a b.yml@refs/heads/x' },
      {},
      'github',
    ),
    token('chainguard with an e-mail address', { email, email_verified: true }, {}, 'chainguard'),
    token('chainguard with a question mark', { sub: 'a?b' }, {}, 'chainguard'),
    token('chainguard with an empty segment', { sub: 'a//b' }, {}, 'chainguard'),
    token('uri of another host', { sub: 'http://other.example.com/x' }, {}, 'uri'),
    token('uri of another scheme', { sub: 'https://127.0.0.1/x' }, {}, 'uri'),
    token('uri without scheme', { sub: 'people/signer' }, {}, 'uri'),
    token('uri with a query', { sub: 'http://127.0.0.1/x?a=b' }, {}, 'uri'),
    token('username with an @', { sub: 'signer@example.com' }, {}, 'username'),
    token('username with a !', { sub: 'sign!er' }, {}, 'username'),
    token('username with a space', { sub: 'a signer' }, {}, 'username'),
    token('spiffe of another domain', { sub: 'spiffe://other.example.com/x' }, {}, 'spiffe'),
    token('spiffe without path', { sub: 'spiffe://example.com' }, {}, 'spiffe'),
    token('spiffe that is none', { sub: 'https://example.com/x' }, {}, 'spiffe'),
    token('spiffe of a subdomain', { sub: 'spiffe://a.example.com/x' }, {}, 'spiffe'),
    token('kubernetes without its claim', { 'kubernetes.io': undefined }, {}, 'kubernetes'),
    token(
      'kubernetes, empty namespace',
      { 'kubernetes.io': { namespace: '', serviceaccount: { name: 'a' } } },
      {},
      'kubernetes',
    ),
    token(
      'kubernetes, numbers for names',
      { 'kubernetes.io': { namespace: 1, serviceaccount: { name: 2 } } },
      {},
      'kubernetes',
    ),

    token('e-mail not verified', { email_verified: false }),
    token('e-mail verified as text', { email_verified: 'true' }),
    token('e-mail verified as number', { email_verified: 1 }),
    token('no email_verified', { email_verified: undefined }),
    token('no e-mail', { email: undefined }),
    token('empty e-mail', { email: '' }),
    token('e-mail that is none', { email: 'signer' }),
    token('e-mail with a display name', { email: 'Signer <signer@example.com>' }),
    token('e-mail with two @', { email: 'a@b@example.com' }),
    token('e-mail that is no ASCII', { email: 'größe@example.com' }),
    token('e-mail in capitals', { email: 'Signer@Example.COM' }),
    token('e-mail with a plus', { email: 'signer+x@example.com' }),
    token('e-mail quoted', { email: '"a b"@example.com' }),
    token('e-mail without a dot', { email: 'signer@localhost' }),
    token('e-mail in a list', { email: [email] }),

    token('no sub', { sub: undefined }),
    token('empty sub', { sub: '' }),
    token('sub as number', { sub: 17 }),
    token('another audience', { aud: 'other' }),
    token('audience in a list', { aud: ['sigstore'] }),
    token('audience among others', { aud: ['other', 'sigstore'], azp: 'other' }),
    token('no audience', { aud: undefined }),
    token('empty list of audiences', { aud: [] }),
    token('audience in capitals', { aud: 'Sigstore' }),
    token('expired', { iat: now - 7200, exp: now - 3600 }),
    token('expired a second ago', { iat: now - 7200, exp: now - 1 }),
    token('no exp', { exp: undefined }),
    token('exp as text', { exp: String(now + 600) }),
    token('exp with a fraction', { exp: now + 600.5 }),
    token('exp far away', { exp: now + 10 * 365 * 86_400 }),
    token('not valid before an hour from now', { nbf: now + 3600 }),
    token('not valid before a minute from now', { nbf: now + 60 }),
    token('issued in an hour', { iat: now + 3600, exp: now + 7200 }),
    token('no iat', { iat: undefined }),
    token('unknown issuer', { iss: 'http://127.0.0.1:9/none' }),
    token('issuer with a slash at the end', { iss: `${issuer.url}/email/` }),
    token('no issuer', { iss: undefined }),
    token('issuer as number', { iss: 5 }),

    token('alg none', {}, { header: { alg: 'none' }, signature: () => Buffer.alloc(0) }),
    token('alg none, signed', {}, { header: { alg: 'none' } }),
    token(
      'HS256 with the public key',
      {},
      { header: { alg: 'HS256' }, signature: (signed) => createHmac('sha256', 'x').update(signed).digest() },
    ),
    token('RS512', {}, { header: { alg: 'RS512' }, signature: (signed) => sign('sha512', signed, foreign) }),
    token(
      'ES256 under an RSA key ID',
      {},
      {
        header: { alg: 'ES256' },
        signature: (signed) => sign('sha256', signed, { key: p256, dsaEncoding: 'ieee-p1363' }),
      },
    ),
    token('unknown key ID', {}, { header: { kid: 'k2' } }),
    token('no key ID', {}, { header: { kid: undefined } }),
    token('signed by another key', {}, { key: foreign }),
    token('critical header', {}, { header: { crit: ['x'], x: 1 } }),
    token('another type', {}, { header: { typ: 'at+jwt' } }),
    token('key in the header', {}, { header: { jwk: { kty: 'oct', k: 'AAAA' } } }),
    token('compressed', {}, { header: { zip: 'DEF' } }),

    raw('empty', ''),
    raw('no JWT', 'token'),
    raw('two parts', `${header}.${payload}`),
    raw('four parts', `${good}.x`),
    raw('five parts', `${good}.x.y`),
    raw('signature cut', good.slice(0, -8)),
    raw('no signature', `${header}.${payload}.`),
    raw('padded signature', `${good}==`),
    raw('another payload', `${header}.${Buffer.from('{"iss":"x"}').toString('base64url')}.${signature}`),
    raw('payload that is no JSON', `${header}.${Buffer.from('none').toString('base64url')}.${signature}`),
    raw('payload of a list', `${header}.${Buffer.from('[]').toString('base64url')}.${signature}`),
    raw('space around it', ` ${good} `),
    raw('JSON serialisation', JSON.stringify({ payload, protected: header, signature })),
    raw('of 100 kB', `${header}.${'A'.repeat(100_000)}.${signature}`),
  ]
}

function textOf(claim: unknown): string | undefined {
  return typeof claim === 'string' ? claim : undefined
}

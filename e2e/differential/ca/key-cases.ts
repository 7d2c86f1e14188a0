/** Keys, proofs of possession, and certificate signing requests. */
import { constants, sign } from 'node:crypto'
import { encodePem } from '@sigstack/crypto'
import type { Case, CaseMaterial } from './cases.ts'
import { encodeCertificateRequest, type RequestForm } from './certificate-request.ts'
import { email } from './issuer-kinds.ts'
import type { ClientKey } from './keys.ts'
import { base64, prove, v1Body, v1Request, v2Body, v2Request } from './signing-request.ts'

export function keyCases({ issuer, keys }: CaseMaterial): readonly Case[] {
  const token = issuer.token('email')
  const p256 = keys.good['P-256']
  const rsa = keys.good['RSA 2048']
  const signed = (name: string, key: ClientKey, proof: Uint8Array, publicKey = key.pem): Case => ({
    name,
    request: v2Request({ token, publicKey, proof }),
    spki: key.spki,
  })
  const requested = (name: string, key: ClientKey, form: RequestForm = {}): Case => ({
    name: `CSR: ${name}`,
    request: csr(encodeCertificateRequest(key, form)),
    spki: key.spki,
  })
  const csr = (text: string) =>
    v2Body({ credentials: { oidcIdentityToken: token }, certificateSigningRequest: base64(text) })
  const raw = (name: string, content: string): Case => ({
    name: `key: ${name}`,
    request: v2Request({ token, publicKey: content, proof: prove(p256, email) }),
    spki: p256.spki,
  })
  const oneLine = p256.pem
    .replaceAll('\n', '')
    .replace(/(BEGIN PUBLIC KEY-----)(.*?)(-----END)/, '$1\n$2\n$3')
  const pkcs1 = String(rsaPublicPem(rsa))
  const overEmail = Buffer.from(email)

  return [
    ...Object.entries(keys.good).flatMap(([name, key]) => [
      signed(`key: ${name}`, key, prove(key, email)),
      {
        name: `v1 key: ${name}, PEM`,
        request: v1Request({ token, publicKey: key.pem, proof: prove(key, email) }),
        spki: key.spki,
      },
      {
        name: `v1 key: ${name}, DER`,
        request: v1Request({ token, publicKey: key.spki, proof: prove(key, email) }),
        spki: key.spki,
      },
    ]),
    ...Object.entries(keys.weak).map(([name, key]) => signed(`weak key: ${name}`, key, prove(key, email))),
    ...Object.entries(keys.hostile).map(([name, spki]) => ({
      name: `hostile key: ${name}`,
      request: v2Request({ token, publicKey: encodePem('PUBLIC KEY', spki), proof: prove(p256, email) }),
    })),

    raw('PEM on one line', oneLine),
    raw('PEM without final line feed', p256.pem.trimEnd()),
    raw('PEM with CRLF', p256.pem.replaceAll('\n', '\r\n')),
    raw('text before the PEM', `a key:\n${p256.pem}`),
    raw('two PEM blocks', p256.pem + rsa.pem),
    raw('PEM of another type', p256.pem.replaceAll('PUBLIC KEY', 'EC PUBLIC KEY')),
    raw('PEM of a private key', p256.pem.replaceAll('PUBLIC KEY', 'PRIVATE KEY')),
    raw('a broken PEM', p256.pem.replace('-----END', '----END')),
    raw('base64 of DER', base64(p256.spki)),
    raw('no PEM', 'not a key'),
    raw('empty', ''),
    signed('key: RSA in PKCS#1', rsa, prove(rsa, email), pkcs1),
    signed('key: P-256 with the wrong algorithm name', p256, prove(p256, email)),

    signed(
      'proof: r and s side by side',
      p256,
      sign('sha256', overEmail, { key: p256.privateKey, dsaEncoding: 'ieee-p1363' }),
    ),
    signed(
      'proof: r and s side by side, P-384',
      keys.good['P-384'],
      sign('sha384', overEmail, { key: keys.good['P-384'].privateKey, dsaEncoding: 'ieee-p1363' }),
    ),
    signed(
      'proof: P-384 with SHA-256',
      keys.good['P-384'],
      sign('sha256', overEmail, keys.good['P-384'].privateKey),
    ),
    signed('proof: P-256 with SHA-512', p256, sign('sha512', overEmail, p256.privateKey)),
    signed('proof: RSA with SHA-512', rsa, sign('sha512', overEmail, rsa.privateKey)),
    signed(
      'proof: RSA-PSS',
      rsa,
      sign('sha256', overEmail, { key: rsa.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING }),
    ),
    signed('proof: over sub', p256, prove(p256, 'a-subject-0123')),
    signed('proof: over another name', p256, prove(p256, 'other@example.com')),
    signed('proof: with a line feed', p256, prove(p256, `${email}\n`)),
    signed('proof: of another key', p256, prove(rsa, email)),
    signed('proof: none', p256, new Uint8Array()),
    signed('proof: garbage', p256, Buffer.from('garbage')),
    signed('proof: bytes behind it', p256, Buffer.concat([prove(p256, email), Buffer.of(0)])),
    signed('proof: zero r and s', p256, Buffer.from('3006020100020100', 'hex')),
    { name: 'v1 proof: none', request: v1Request({ token, publicKey: p256.pem, proof: new Uint8Array() }) },

    requested('P-256', p256),
    requested('P-256 with SHA-384', p256, { algorithm: 'ecdsa-sha384' }),
    requested('P-256 with SHA-512', p256, { algorithm: 'ecdsa-sha512' }),
    requested('P-256 with SHA-1', p256, { algorithm: 'ecdsa-sha1' }),
    requested('P-384', keys.good['P-384'], { algorithm: 'ecdsa-sha384' }),
    requested('P-384 with SHA-256', keys.good['P-384']),
    requested('P-521', keys.good['P-521'], { algorithm: 'ecdsa-sha512' }),
    requested('RSA 2048', rsa, { algorithm: 'rsa-sha256' }),
    requested('RSA 2048 with SHA-512', rsa, { algorithm: 'rsa-sha512' }),
    requested('RSA-PSS', rsa, { algorithm: 'rsa-pss' }),
    requested('RSA-PSS without parameters', rsa, { algorithm: 'rsa-pss without parameters' }),
    requested('Ed25519', keys.good.Ed25519, { algorithm: 'ed25519' }),
    requested('with an e-mail address', p256, { emailAddress: email }),
    requested('with an address that is no ASCII', p256, { emailAddress: 'größe@example.com' }),
    requested('NEW CERTIFICATE REQUEST', p256, { pemType: 'NEW CERTIFICATE REQUEST' }),
    requested('PEM of another type', p256, { pemType: 'CERTIFICATE' }),
    requested('broken signature', p256, { breakSignature: true }),
    requested('weak key', keys.weak['RSA 1024'] ?? rsa, { algorithm: 'rsa-sha256' }),
    requested('P-224', keys.weak['P-224'] ?? p256),
    { name: 'CSR: no PEM', request: csr('not a request') },
    {
      name: 'CSR: DER',
      request: csr(
        Buffer.from(encodeCertificateRequest(p256).replaceAll(/-----[^-]+-----|\s/g, ''), 'base64').toString(
          'latin1',
        ),
      ),
    },
    {
      name: 'v1 CSR: P-256',
      request: v1Body({ certificateSigningRequest: base64(encodeCertificateRequest(p256)) }, token),
      spki: p256.spki,
    },
  ]
}

function rsaPublicPem({ spki }: ClientKey): string {
  // The BIT STRING of an RSA key holds its PKCS#1 form: 24 bytes of headers come first for keys of 2048 to 4096 bits.
  return encodePem('RSA PUBLIC KEY', spki.subarray(24))
}

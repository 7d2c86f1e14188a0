/** The fields of a request, and the headers around it. */
import type { Request } from '../exchange.ts'
import type { Case, CaseMaterial } from './cases.ts'
import { encodeCertificateRequest } from './certificate-request.ts'
import { email } from './issuer-kinds.ts'
import { base64, prove, v1Body, v2Body, v2Request } from './signing-request.ts'

const json = { 'content-type': 'application/json' }

export function bodyCases(material: CaseMaterial): readonly Case[] {
  return [...tokenPlaces(material), ...fieldCases(material), ...v1Cases(material), ...headerCases(material)]
}

function tokenPlaces({ issuer, keys }: CaseMaterial): readonly Case[] {
  const key = keys.good['P-256']
  const token = issuer.token('email')
  const publicKeyRequest = keyRequest(key.pem, base64(prove(key, email)))
  const sent = (name: string, body: unknown, authorization?: string): Case =>
    named(
      name,
      v2Body({ publicKeyRequest, ...Object(body) }, authorization === undefined ? {} : { authorization }),
      key.spki,
    )
  const inBody = (oidcIdentityToken: unknown) => ({ credentials: { oidcIdentityToken } })
  return [
    sent('token in the header', {}, `Bearer ${token}`),
    sent('header with a scheme in small letters', {}, `bearer ${token}`),
    sent('header without scheme', {}, token),
    sent('header of another scheme', {}, `Basic ${token}`),
    sent('good token in the body, bad one in the header', inBody(token), 'Bearer x'),
    sent('bad token in the body, good one in the header', inBody('x'), `Bearer ${token}`),
    sent('empty token in the body, good one in the header', inBody(''), `Bearer ${token}`),
    sent('null for credentials', { credentials: null }, `Bearer ${token}`),
    sent('no token', {}),
    sent('number for text', inBody(5)),
    sent('text for an object', { credentials: 'x' }),
    sent('list for an object', { credentials: [] }),
  ]
}

function fieldCases({ issuer, keys }: CaseMaterial): readonly Case[] {
  const key = keys.good['P-256']
  const rsa = keys.good['RSA 2048']
  const token = issuer.token('email')
  const credentials = { oidcIdentityToken: token }
  const proof = base64(prove(key, email))
  const good = { credentials, publicKeyRequest: keyRequest(key.pem, proof) }
  const csr = base64(encodeCertificateRequest(key))
  const sent = (name: string, body: unknown): Case => named(name, v2Body(body), key.spki)
  const algorithm = (name: string, value: unknown): Case =>
    sent(`algorithm ${name}`, { credentials, publicKeyRequest: keyRequest(key.pem, proof, value) })
  const proven = (name: string, text: string): Case =>
    sent(name, { credentials, publicKeyRequest: keyRequest(key.pem, text) })
  const snakeCase = {
    credentials: { oidc_identity_token: token },
    public_key_request: {
      public_key: { algorithm: 'ECDSA', content: key.pem },
      proof_of_possession: proof,
    },
  }
  // Of 256 octets, so that its base64 is padded; that of an ECDSA proof is padded by chance.
  const proofWithLineFeed = `${base64(prove(rsa, email))}\n`
  return [
    sent('snake_case', snakeCase),
    sent('snake_case and camelCase of one field', {
      ...good,
      credentials: { ...credentials, oidc_identity_token: token },
    }),
    sent('null for what is not set', { ...good, certificateSigningRequest: null }),
    sent('null for the key', { credentials, publicKeyRequest: null }),
    sent('null for the public key', {
      credentials,
      publicKeyRequest: { publicKey: null, proofOfPossession: proof },
    }),
    sent('unknown fields', { ...good, more: { of: ['them'] } }),
    sent('both members of the oneof', { ...good, certificateSigningRequest: csr }),
    sent('neither member of the oneof', { credentials }),
    sent('empty CSR beside a key', { ...good, certificateSigningRequest: '' }),
    sent('number for bytes', { credentials, certificateSigningRequest: 5 }),
    algorithm('as number', 2),
    algorithm('as unknown number', 77),
    algorithm('unknown', 'RSA'),
    algorithm('in small letters', 'ecdsa'),
    algorithm('null', null),
    algorithm('a list', []),
    algorithm('true', true),
    proven('base64 with the URL alphabet', Buffer.from(proof, 'base64').toString('base64url')),
    proven('base64 without padding', proof.replaceAll('=', '')),
    proven('bad base64', '***'),
    named(
      'base64 with a line feed',
      v2Body({ credentials, publicKeyRequest: keyRequest(rsa.pem, proofWithLineFeed) }),
      rsa.spki,
    ),
  ]
}

function v1Cases({ issuer, keys }: CaseMaterial): readonly Case[] {
  const key = keys.good['P-256']
  const token = issuer.token('email')
  const signedEmailAddress = base64(prove(key, email))
  const content = base64(key.pem)
  const sent = (name: string, body: unknown, own = token): Case =>
    named(`v1 ${name}`, v1Body(body, own), key.spki)
  return [
    sent('no token', { publicKey: { content }, signedEmailAddress }, ''),
    sent('no key', {}),
    sent('snake_case', { public_key: { content }, signed_email_address: signedEmailAddress }),
    sent('PEM that is not base64', { publicKey: { content: key.pem }, signedEmailAddress }),
  ]
}

function headerCases({ issuer, keys }: CaseMaterial): readonly Case[] {
  const key = keys.good['P-256']
  const good = v2Request({ token: issuer.token('email'), publicKey: key.pem, proof: prove(key, email) })
  const sent = (name: string, headers: Readonly<Record<string, string>>): Case =>
    named(name, { ...good, headers }, key.spki)
  return [
    sent('of another content type', { 'content-type': 'text/plain' }),
    sent('without content type', {}),
    sent('accepting PEM', { ...json, accept: 'application/pem-certificate-chain' }),
    sent('from a page of another origin', { ...json, origin: 'https://example.org' }),
  ]
}

function named(name: string, request: Request, spki: Uint8Array): Case {
  return { name: `body: ${name}`, request, spki }
}

function keyRequest(publicKey: string, proofOfPossession: string, algorithm: unknown = 'ECDSA') {
  return { publicKey: { algorithm, content: publicKey }, proofOfPossession }
}

/** Requests signed before the clock starts, each one new to the log. */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { encodeRequest } from './http-socket.ts'

export type Issued = { readonly privateKey: KeyObject; readonly certificatePem: string }

export type SigningRequest = { readonly body: string; readonly privateKey: KeyObject }

/** A request for a certificate: a fresh P-256 key and the proof that it is held. */
export function signingRequest(token: string, email: string): SigningRequest {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const proof = sign('sha256', Buffer.from(email), privateKey)
  const body = JSON.stringify({
    credentials: { oidcIdentityToken: token },
    publicKeyRequest: {
      publicKey: { algorithm: 'ECDSA', content: publicKey.export({ format: 'pem', type: 'spki' }) },
      proofOfPossession: proof.toString('base64'),
    },
  })
  return { body, privateKey }
}

/** A certificate as every signer gets it, for entries of real size. */
export async function obtainCertificate(caUrl: string, token: string, email: string): Promise<Issued> {
  const { body, privateKey } = signingRequest(token, email)
  const answer = await fetch(`${caUrl}/api/v2/signingCert`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  })
  if (!answer.ok) throw new Error(`the CA answered ${answer.status}: ${await answer.text()}`)
  const { signedCertificateEmbeddedSct } = (await answer.json()) as {
    signedCertificateEmbeddedSct: { chain: { certificates: string[] } }
  }
  return { privateKey, certificatePem: `${signedCertificateEmbeddedSct.chain.certificates[0]}\n` }
}

/** A hashedrekord of a random digest: what cosign posts for a blob. */
export function hashedrekordRequest(url: URL, issued: Issued): Buffer {
  const artifact = randomBytes(32)
  const signature = sign('sha256', artifact, issued.privateKey)
  const digest = createHash('sha256').update(artifact).digest('hex')
  const body = JSON.stringify({
    apiVersion: '0.0.1',
    kind: 'hashedrekord',
    spec: {
      data: { hash: { algorithm: 'sha256', value: digest } },
      signature: {
        content: signature.toString('base64'),
        publicKey: { content: Buffer.from(issued.certificatePem).toString('base64') },
      },
    },
  })
  return encodeRequest('POST', url, body, { Accept: 'application/json' })
}

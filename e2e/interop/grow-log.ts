/** Entries of a fresh key, for clients that watch a log grow. */
import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { InteropError } from '../support/interop-error.ts'
import { type Session } from './client.ts'

/** Returns the SHA-256 of the key (SubjectPublicKeyInfo), hex. */
export async function growLog({ endpoints }: Session, count: number): Promise<string> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const key = Buffer.from(publicKey.export({ type: 'spki', format: 'pem' }))
  for (let i = 0; i < count; i++) {
    const artifact = Buffer.from(`entry ${i}`)
    const hash = { algorithm: 'sha256', value: createHash('sha256').update(artifact).digest('hex') }
    const signature = sign('sha256', artifact, privateKey).toString('base64')
    const answer = await fetch(`${endpoints.services.rekor}/api/v1/log/entries`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        apiVersion: '0.0.1',
        kind: 'hashedrekord',
        spec: {
          data: { hash },
          signature: { content: signature, publicKey: { content: key.toString('base64') } },
        },
      }),
    })
    if (answer.status !== 201)
      throw new InteropError('failed', `the log answered ${answer.status} ${await answer.text()}`)
  }
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex')
}

/** The same of a log of Rekor v2. */
export async function growRekorV2(url: string, count: number): Promise<void> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const rawBytes = publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
  for (let i = 0; i < count; i++) {
    const artifact = Buffer.from(`entry ${i}`)
    const answer = await fetch(`${url}/api/v2/log/entries`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        hashedRekordRequestV002: {
          digest: createHash('sha256').update(artifact).digest('base64'),
          signature: {
            content: sign('sha256', artifact, privateKey).toString('base64'),
            verifier: { publicKey: { rawBytes }, keyDetails: 'PKIX_ECDSA_P256_SHA_256' },
          },
        },
      }),
    })
    if (answer.status !== 201)
      throw new InteropError('failed', `the log answered ${answer.status} ${await answer.text()}`)
  }
}

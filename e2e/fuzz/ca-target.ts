/** The CA's HTTP face: any body is answered with a certificate or a refusal, never with a fault. */
import { generateKeyPairSync, sign } from 'node:crypto'
import { type CaUnderTest, email } from './ca-under-test.ts'
import type { Target } from './target.ts'

/** `requests` are certificate requests in PEM. */
export function signingRequestTarget({ app }: CaUnderTest, requests: readonly Uint8Array[]): Target {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const proof = sign('sha256', Buffer.from(email), privateKey).toString('base64')
  const bodies: unknown[] = [
    ...requests.map((pem) => ({ certificateSigningRequest: Buffer.from(pem).toString('base64') })),
    {
      credentials: { oidcIdentityToken: 'a.b.c' },
      publicKeyRequest: {
        publicKey: { algorithm: 'ECDSA', content: publicKey.export({ format: 'pem', type: 'spki' }) },
        proofOfPossession: proof,
      },
    },
    {
      publicKey: {
        content: publicKey.export({ format: 'der', type: 'spki' }).toString('base64'),
        algorithm: 'ecdsa',
      },
      signedEmailAddress: proof,
      certificateSigningRequest: null,
    },
  ]
  const post = async (url: string, body: Uint8Array): Promise<Refused | undefined> => {
    const answer = await app.inject({ method: 'POST', url, payload: Buffer.from(body) })
    if (answer.statusCode < 300) return undefined
    if (answer.statusCode !== 400)
      throw new Error(`status ${answer.statusCode}: ${answer.body.slice(0, 300)}`)
    const refusal: unknown = answer.json()
    if (typeof refusal !== 'object' || refusal === null || !('code' in refusal) || refusal.code !== 3)
      throw new Error(`not a refusal: ${answer.body.slice(0, 300)}`)
    return new Refused(answer.body)
  }
  return {
    name: 'signing-request',
    form: 'json',
    seeds: bodies.map((body) => Buffer.from(JSON.stringify(body))),
    refusals: ['Refused'],
    async run(input) {
      const refusals: Refused[] = []
      for (const url of ['/api/v2/signingCert', '/api/v1/signingCert']) {
        const refusal = await post(url, input)
        if (refusal !== undefined) refusals.push(refusal)
      }
      if (refusals[1] !== undefined) throw refusals[1]
    },
  }
}

class Refused extends Error {
  override readonly name = 'Refused'
}

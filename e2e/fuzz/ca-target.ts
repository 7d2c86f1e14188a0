/** The CA as a whole, over HTTP without a network: any body is answered with a certificate or a refusal, never with a fault. */
import { randomBytes, sign } from 'node:crypto'
import { buildApp, createMetrics, parseIssuerConfigText } from '@sigstack/ca'
import {
  createSigner,
  defaultClientAlgorithms,
  encodePublicKeyPem,
  generateSigningKey,
  keyFingerprint,
  sha256,
} from '@sigstack/crypto'
import { sctSignedData } from '@sigstack/ct'
import { createRegistry } from '@sigstack/server'
import {
  createIntermediate,
  createRoot,
  encodeCertificatePem,
  extensionOid,
  parseCertificate,
  removeExtension,
  serialNumberFrom,
} from '@sigstack/x509'
import { issuerConfig } from './seeds.ts'
import type { Target } from './target.ts'

const email = 'alice@example.com'

/** `requests` are certificate requests in PEM. The chain is that of its CA, in PEM, issuing certificate first. */
export async function createCaTarget(
  requests: readonly Uint8Array[],
): Promise<{ readonly target: Target; readonly chainPem: string }> {
  const privateKey = generateSigningKey()
  const { publicKey } = createSigner(privateKey)
  const { post, chainPem } = await createCa()
  const bodies: unknown[] = [
    ...requests.map((pem) => ({ certificateSigningRequest: Buffer.from(pem).toString('base64') })),
    {
      credentials: { oidcIdentityToken: 'a.b.c' },
      publicKeyRequest: {
        publicKey: { algorithm: 'ECDSA', content: encodePublicKeyPem(publicKey) },
        proofOfPossession: sign('sha256', Buffer.from(email), privateKey).toString('base64'),
      },
    },
    {
      publicKey: { content: Buffer.from(publicKey.spki).toString('base64'), algorithm: 'ecdsa' },
      signedEmailAddress: sign('sha256', Buffer.from(email), privateKey).toString('base64'),
      certificateSigningRequest: null,
    },
  ]
  const target: Target = {
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
  return { target, chainPem }
}

class Refused extends Error {
  override readonly name = 'Refused'
}

async function createCa() {
  const rootSigner = createSigner(generateSigningKey())
  const signer = createSigner(generateSigningKey())
  const logSigner = createSigner(generateSigningKey())
  const notBefore = new Date(Date.now() - 60_000)
  const notAfter = new Date(Date.now() + 365 * 86_400_000)
  const common = { notBefore, notAfter }
  const root = await createRoot({
    ...common,
    signer: rootSigner,
    commonName: 'root',
    organization: 'fuzz',
    serialNumber: serialNumberFrom(randomBytes(20)),
  })
  const intermediate = await createIntermediate({
    ...common,
    root,
    rootSigner,
    publicKey: signer.publicKey,
    commonName: 'intermediate',
    serialNumber: serialNumberFrom(randomBytes(20)),
  })
  const { issuers } = parseIssuerConfigText(issuerConfig)
  const issuer = issuers.find(({ kind }) => kind.type === 'email')
  if (issuer === undefined) throw new Error('the configuration has no issuer of type email')
  const app = buildApp({
    issuance: {
      authenticate: async () => ({
        issuer,
        claims: {
          iss: issuer.url,
          sub: 'u-1',
          email,
          email_verified: true,
          federated_claims: { connector_id: 'https://accounts.example.com' },
        },
      }),
      authority: () => ({ signer, chain: [intermediate, root] }),
      ctLog: {
        publicKey: logSigner.publicKey,
        async addPreChain(precertificate) {
          const tbs = removeExtension(parseCertificate(precertificate).tbs, extensionOid.poison)
          const entry = { type: 'precert', issuerKeyHash: sha256(intermediate.spki), tbs } as const
          const promise = { timestampMs: Date.now(), extensions: new Uint8Array(), entry }
          return {
            logId: keyFingerprint(logSigner.publicKey),
            timestampMs: promise.timestampMs,
            extensions: promise.extensions,
            signature: { algorithm: 'ecdsa', signature: await logSigner.sign(sctSignedData(promise)) },
          }
        },
      },
      allowedAlgorithms: defaultClientAlgorithms,
      now: () => new Date(),
      randomBytes,
    },
    issuers: () => issuers,
    metrics: createMetrics(createRegistry({ processMetrics: false }), () => notAfter),
    logger: false,
  })
  await app.ready()
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
  return { post, chainPem: [intermediate, root].map(({ der }) => encodeCertificatePem(der)).join('') }
}

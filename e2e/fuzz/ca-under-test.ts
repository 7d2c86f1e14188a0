/** A whole CA without a network, whose tokens are all good: what is behind the token is under attack here. */
import { randomBytes } from 'node:crypto'
import { buildApp, createMetrics, parseIssuerConfigText } from '@sigstack/ca'
import {
  createSigner,
  defaultClientAlgorithms,
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

/** In every token. */
export const email = 'alice@example.com'

export type CaUnderTest = { readonly app: ReturnType<typeof buildApp>; readonly chainPem: string }

/** The chain is in PEM, issuing certificate first. */
export async function createCa(): Promise<CaUnderTest> {
  const rootKey = generateSigningKey()
  const rootSigner = createSigner(rootKey)
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
        async addPreChain(precertificate) {
          const tbs = removeExtension(parseCertificate(precertificate).tbs, extensionOid.poison)
          const entry = { type: 'precert', issuerKeyHash: sha256(intermediate.spki), tbs } as const
          const promise = { timestampMs: Date.now(), extensions: new Uint8Array(), entry }
          const sct = {
            logId: keyFingerprint(logSigner.publicKey),
            timestampMs: promise.timestampMs,
            extensions: promise.extensions,
            signature: {
              algorithm: 'ecdsa',
              signature: await logSigner.sign(sctSignedData(promise)),
            } as const,
          }
          return { sct, publicKey: logSigner.publicKey }
        },
      },
      allowedAlgorithms: defaultClientAlgorithms,
      now: () => new Date(),
      randomBytes,
    },
    issuers: () => issuers,
    metrics: createMetrics(createRegistry({ processMetrics: false }), () => notAfter),
    logger: false,
    // gRPC is spoken beside HTTPS only; nothing listens here, so any certificate does.
    tls: {
      cert: encodeCertificatePem(root.der),
      key: rootKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    },
  })
  await app.ready()
  return { app, chainPem: [intermediate, root].map(({ der }) => encodeCertificatePem(der)).join('') }
}

/** Entries signed under certificates of a small CA of our own, as Fulcio would issue them. */
import { createHash } from 'node:crypto'
import { createSigner, generateSigningKey, type Signer } from '@sigstack/crypto'
import {
  assembleCertificate,
  type Certificate,
  createRoot,
  encodeCertificatePem,
  fulcioExtensions,
  leafTemplate,
  plainTbs,
  type San,
  serialNumberFrom,
} from '@sigstack/x509'

export type TestCa = {
  readonly root: Certificate
  readonly pem: string
  /** A hashedrekord proposal over `artifact` by `san`, whose token was issued by `issuer`. */
  propose(artifact: string, san: San, issuer: string): Promise<CertifiedProposal>
}

export type CertifiedProposal = { proposal: unknown; serialNumber: string; signer: Signer; chainPem: string }

let serials = 1

export async function createTestCa(): Promise<TestCa> {
  const caSigner = createSigner(generateSigningKey())
  const now = Date.now()
  const root = await createRoot({
    signer: caSigner,
    commonName: 'root',
    organization: 'test',
    notBefore: new Date(now - 3_600_000),
    notAfter: new Date(now + 3_600_000),
    serialNumber: Uint8Array.of(1),
  })
  const pem = encodeCertificatePem(root.der)
  return {
    root,
    pem,
    propose: async (artifact, san, issuer) => {
      const signer = createSigner(generateSigningKey())
      const seed = createHash('sha256').update(String(serials++)).digest().subarray(0, 20)
      const serialNumber = serialNumberFrom(seed)
      const tbs = plainTbs(
        leafTemplate({
          serialNumber,
          issuer: root,
          notBefore: new Date(now),
          publicKey: signer.publicKey.spki,
          subjectAlternativeName: san,
          extensions: fulcioExtensions({ issuer }),
        }),
      )
      const der = assembleCertificate(tbs, caSigner.algorithm, await caSigner.sign(tbs))
      const chainPem = encodeCertificatePem(der)
      return {
        signer,
        chainPem,
        serialNumber: Buffer.from(serialNumber).toString('hex'),
        proposal: {
          apiVersion: '0.0.1',
          kind: 'hashedrekord',
          spec: {
            data: {
              hash: { algorithm: 'sha256', value: createHash('sha256').update(artifact).digest('hex') },
            },
            signature: {
              content: Buffer.from(await signer.sign(Buffer.from(artifact))).toString('base64'),
              publicKey: { content: Buffer.from(chainPem).toString('base64') },
            },
          },
        },
      }
    },
  }
}

/** Entries signed under certificates of a small CA of our own, as Fulcio would issue them. */
import { createHash } from 'node:crypto'
import type { Signer } from '@sigstack/crypto'
import type { Certificate, San } from '@sigstack/x509'
import { createTestCa as createCa } from '@sigstack/x509/testing'

export type TestCa = {
  readonly root: Certificate
  readonly pem: string
  /** A hashedrekord proposal over `artifact` by `san`, whose token was issued by `issuer`. */
  propose(artifact: string, san: San, issuer: string): Promise<CertifiedProposal>
}

export type CertifiedProposal = { proposal: unknown; serialNumber: string; signer: Signer; chainPem: string }

export async function createTestCa(): Promise<TestCa> {
  const { root, rootPem, certify } = await createCa()
  return {
    root,
    pem: rootPem,
    propose: async (artifact, san, issuer) => {
      const { signer, pem, serialNumber } = await certify(san, issuer)
      return {
        signer,
        chainPem: pem,
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
              publicKey: { content: Buffer.from(pem).toString('base64') },
            },
          },
        },
      }
    },
  }
}

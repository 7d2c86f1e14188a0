/** A small CA for tests of others, and certificates by it as Fulcio would issue them. */
import { createHash, type KeyObject } from 'node:crypto'
import { createSigner, generateSigningKey, type Signer } from '@sigstack/crypto'
import { createRoot } from './authority.ts'
import type { Certificate } from './certificate.ts'
import { fulcioExtensions } from './fulcio-extensions.ts'
import type { San } from './general-names.ts'
import { assembleCertificate, leafTemplate, plainTbs } from './leaf.ts'
import { encodeCertificatePem } from './pem.ts'
import { serialNumberFrom } from './serial-number.ts'

export type TestCa = {
  readonly root: Certificate
  readonly rootPem: string
  /** A certificate of a new key; `at` changes the TBSCertificate before it is signed. */
  certify(san: San, tokenIssuer: string, at?: (tbs: Uint8Array) => Uint8Array): Promise<Certified>
}

export type Certified = {
  readonly key: KeyObject
  readonly signer: Signer
  readonly der: Uint8Array
  readonly pem: string
  readonly serialNumber: Uint8Array
}

/** Valid for an hour before and after `now`. Serial numbers are the same in every run. */
export async function createTestCa(now = new Date()): Promise<TestCa> {
  const caSigner = createSigner(generateSigningKey())
  const root = await createRoot({
    signer: caSigner,
    commonName: 'root',
    organization: 'test',
    notBefore: new Date(now.getTime() - 3_600_000),
    notAfter: new Date(now.getTime() + 3_600_000),
    serialNumber: Uint8Array.of(1),
  })
  let serials = 0
  return {
    root,
    rootPem: encodeCertificatePem(root.der),
    certify: async (san, tokenIssuer, at = (tbs) => tbs) => {
      const key = generateSigningKey()
      const signer = createSigner(key)
      const seed = createHash('sha256').update(`${serials++}`).digest().subarray(0, 20)
      const serialNumber = serialNumberFrom(seed)
      const template = leafTemplate({
        serialNumber,
        issuer: root,
        notBefore: now,
        publicKey: signer.publicKey.spki,
        subjectAlternativeName: san,
        extensions: fulcioExtensions({ issuer: tokenIssuer }),
      })
      const tbs = at(plainTbs(template))
      const der = assembleCertificate(tbs, caSigner.algorithm, await caSigner.sign(tbs))
      return { key, signer, der, pem: encodeCertificatePem(der), serialNumber }
    },
  }
}

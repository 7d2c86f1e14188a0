/** A timestamp authority for tests: root, intermediate and the certificate that stamps, with keys of this run. */
import { createHash } from 'node:crypto'
import { createSigner, generateSigningKey, type Signer } from '@sigstack/crypto'
import {
  type Certificate,
  createIntermediate,
  createRoot,
  createStampingCertificate,
  serialNumberFrom,
} from '@sigstack/x509'

export type TestAuthority = {
  readonly signer: Signer
  readonly chain: readonly [Certificate, Certificate, Certificate]
}

/** Valid for an hour before and after `now`. */
export async function createTestAuthority(now = new Date()): Promise<TestAuthority> {
  const [rootSigner, intermediateSigner, signer] = [0, 1, 2].map(() =>
    createSigner(generateSigningKey()),
  ) as [Signer, Signer, Signer]
  let serials = 0
  const common = () => ({
    notBefore: new Date(now.getTime() - 3_600_000),
    notAfter: new Date(now.getTime() + 3_600_000),
    serialNumber: serialNumberFrom(createHash('sha256').update(`${serials++}`).digest().subarray(0, 20)),
  })
  const root = await createRoot({ signer: rootSigner, commonName: 'root', organization: 'test', ...common() })
  const intermediate = await createIntermediate({
    use: 'timeStamping',
    root,
    rootSigner,
    publicKey: intermediateSigner.publicKey,
    commonName: 'intermediate',
    ...common(),
  })
  const leaf = await createStampingCertificate({
    issuer: intermediate,
    issuerSigner: intermediateSigner,
    publicKey: signer.publicKey,
    commonName: 'timestamps',
    ...common(),
  })
  return { signer, chain: [leaf, intermediate, root] }
}

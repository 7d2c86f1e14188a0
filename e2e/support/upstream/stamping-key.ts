/** One key with its chain for both timestamp authorities: what their stamps say then differs in nothing but time, serial number and signature. */
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { createSigner, generateSigningKey } from '@sigstack/crypto'
import {
  type Certificate,
  createIntermediate,
  createRoot,
  createStampingCertificate,
  encodeCertificatePem,
  serialNumberFrom,
} from '@sigstack/x509'

export type StampingKey = {
  readonly curve: 'P-256' | 'P-384'
  /** Signing certificate first, root last. */
  readonly chain: readonly [Certificate, ...Certificate[]]
  readonly keyFile: string
  readonly chainFile: string
}

const yearMs = 365 * 86_400_000

/** Writes the files into `folder`, which is made. */
export async function writeStampingKey(folder: string, curve: StampingKey['curve']): Promise<StampingKey> {
  const [rootSigner, intermediateSigner] = [
    createSigner(generateSigningKey()),
    createSigner(generateSigningKey()),
  ]
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: curve })
  const notBefore = new Date(Math.floor(Date.now() / 1000) * 1000 - 60_000)
  const common = () => ({
    notBefore,
    notAfter: new Date(notBefore.getTime() + yearMs),
    serialNumber: serialNumberFrom(randomBytes(20)),
  })
  const root = await createRoot({
    signer: rootSigner,
    commonName: 'root',
    organization: 'differential',
    ...common(),
  })
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
    publicKey: createSigner(privateKey).publicKey,
    commonName: 'timestamps',
    ...common(),
  })
  const chain = [leaf, intermediate, root] as const
  const [keyFile, chainFile] = [path.join(folder, 'key.pem'), path.join(folder, 'chain.pem')]
  await mkdir(folder, { recursive: true })
  await writeFile(keyFile, privateKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 })
  await writeFile(chainFile, chain.map(({ der }) => encodeCertificatePem(der)).join(''))
  return { curve, chain, keyFile, chainFile }
}

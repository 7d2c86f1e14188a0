/** Root, intermediate and key files for Fulcio, of the same making as those our CA makes on its first start. */
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { createSigner, generateSigningKey } from '@sigstack/crypto'
import { createIntermediate, createRoot, encodeCertificatePem, serialNumberFrom } from '@sigstack/x509'

export type AuthorityFiles = {
  readonly chainFile: string
  readonly rootFile: string
  readonly keyFile: string
  readonly password: string
}

const yearMs = 365 * 86_400_000

export async function writeAuthority(folder: string): Promise<AuthorityFiles> {
  const password = randomBytes(16).toString('hex')
  const rootSigner = createSigner(generateSigningKey())
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const notBefore = new Date(Math.floor(Date.now() / 1000) * 1000 - 60_000)
  const validity = { notBefore, notAfter: new Date(notBefore.getTime() + yearMs) }
  const root = await createRoot({
    signer: rootSigner,
    commonName: 'root',
    organization: 'differential',
    serialNumber: serialNumberFrom(randomBytes(20)),
    ...validity,
  })
  const intermediate = await createIntermediate({
    root,
    rootSigner,
    publicKey: createSigner(privateKey).publicKey,
    commonName: 'intermediate',
    serialNumber: serialNumberFrom(randomBytes(20)),
    ...validity,
  })
  const files = {
    chainFile: path.join(folder, 'chain.pem'),
    rootFile: path.join(folder, 'root.pem'),
    keyFile: path.join(folder, 'ca.key.pem'),
  }
  await writeFile(files.rootFile, encodeCertificatePem(root.der))
  await writeFile(files.chainFile, encodeCertificatePem(intermediate.der) + encodeCertificatePem(root.der))
  const key = privateKey.export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: password })
  await writeFile(files.keyFile, key, { mode: 0o600 })
  return { ...files, password }
}

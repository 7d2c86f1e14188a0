/** The published trust as files, and copies that believe in keys of others. */
import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { createSigner, generateSigningKey, type Signer } from '@sigstack/crypto'
import type { Endpoints } from '@sigstack/stack'
import {
  type Certificate,
  createIntermediate,
  createRoot,
  encodeCertificatePem,
  serialNumberFrom,
} from '@sigstack/x509'
import type { TrustFiles } from './client.ts'
import { startForeignMirror } from './foreign-mirror.ts'

export function publishedTrust({ files, trust }: Endpoints): TrustFiles {
  const file = (name: string): string => {
    const value = files[name]
    if (value === undefined) throw new Error(`endpoints.json names no file ${name}`)
    return value
  }
  return {
    trustedRoot: file('trustedRoot'),
    signingConfig: file('signingConfig'),
    clientTrustConfig: file('clientTrustConfig'),
    rekorKey: file('rekorKey'),
    ctKey: file('ctKey'),
    caCertificates: file('caCertificates'),
    mirror: trust.mirror,
  }
}

/** How clients were told about a private deployment before there was a trusted root. */
export function keyFileVariables(trust: TrustFiles): Readonly<Record<string, string>> {
  return {
    SIGSTORE_ROOT_FILE: trust.caCertificates,
    SIGSTORE_CT_LOG_PUBLIC_KEY_FILE: trust.ctKey,
    SIGSTORE_REKOR_PUBLIC_KEY: trust.rekorKey,
  }
}

type LogInstance = { readonly publicKey: object }

type TrustedRoot = {
  readonly tlogs: readonly LogInstance[]
  readonly ctlogs: readonly LogInstance[]
  readonly certificateAuthorities: readonly { readonly certChain: object }[]
}

/** Which part of the trust is another stack's. */
export type ForeignPart = 'log' | 'certificate log' | 'CA'

/**
 * The trust of a stack whose `part` has another key. Log IDs and the CA's names stay, so that a client finds the key and has to check a
 * signature with it: one that only looks names up would not notice.
 */
export async function writeForeignTrust(
  trust: TrustFiles,
  part: ForeignPart,
  folder: string,
): Promise<TrustFiles> {
  await mkdir(folder, { recursive: true })
  const write = async (name: string, text: string): Promise<string> => {
    const file = path.join(folder, name)
    await writeFile(file, text)
    return file
  }
  const { alter, files } = await foreign(part, write)
  const read = async (file: string): Promise<unknown> => JSON.parse(await readFile(file, 'utf8'))
  const root = alter((await read(trust.trustedRoot)) as TrustedRoot)
  const config = (await read(trust.clientTrustConfig)) as { readonly trustedRoot: TrustedRoot }
  const rootText = JSON.stringify(root)
  return {
    ...trust,
    ...files,
    mirror: await startForeignMirror({
      'trusted_root.json': rootText,
      'signing_config.v0.2.json': await readFile(trust.signingConfig, 'utf8'),
    }),
    trustedRoot: await write('trusted_root.json', rootText),
    clientTrustConfig: await write(
      'trust_config.json',
      JSON.stringify({ ...config, trustedRoot: alter(config.trustedRoot) }),
    ),
  }
}

type Foreign = {
  readonly alter: (root: TrustedRoot) => TrustedRoot
  readonly files: Partial<TrustFiles>
}

async function foreign(
  part: ForeignPart,
  write: (name: string, text: string) => Promise<string>,
): Promise<Foreign> {
  const signer = createSigner(generateSigningKey())
  if (part === 'CA') {
    const chain = await foreignChain(signer)
    const certificates = chain.map(({ der }) => ({ rawBytes: Buffer.from(der).toString('base64') }))
    return {
      alter: (root) => ({
        ...root,
        certificateAuthorities: root.certificateAuthorities.map((authority) => ({
          ...authority,
          certChain: { certificates },
        })),
      }),
      files: {
        caCertificates: await write('ca.pem', chain.map(({ der }) => encodeCertificatePem(der)).join('')),
      },
    }
  }
  const spki = Buffer.from(signer.publicKey.spki).toString('base64')
  const withKey = (logs: readonly LogInstance[]): readonly LogInstance[] =>
    logs.map((log) => ({ ...log, publicKey: { ...log.publicKey, rawBytes: spki } }))
  const file = await write('log.pub', `-----BEGIN PUBLIC KEY-----\n${spki}\n-----END PUBLIC KEY-----\n`)
  return part === 'log'
    ? { alter: (root) => ({ ...root, tlogs: withKey(root.tlogs) }), files: { rekorKey: file } }
    : { alter: (root) => ({ ...root, ctlogs: withKey(root.ctlogs) }), files: { ctKey: file } }
}

/** Intermediate first; named as the stack names its own. */
async function foreignChain(signer: Signer): Promise<readonly Certificate[]> {
  const now = Date.now()
  const validity = { notBefore: new Date(now - 86_400_000), notAfter: new Date(now + 365 * 86_400_000) }
  const serialNumber = () => serialNumberFrom(randomBytes(20))
  const root = await createRoot({
    signer,
    commonName: 'sigstack root',
    organization: 'sigstack',
    ...validity,
    serialNumber: serialNumber(),
  })
  const intermediate = await createIntermediate({
    root,
    rootSigner: signer,
    publicKey: createSigner(generateSigningKey()).publicKey,
    commonName: 'sigstack intermediate',
    ...validity,
    serialNumber: serialNumber(),
  })
  return [intermediate, root]
}

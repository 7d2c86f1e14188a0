/** Fixed keys, clock and chain for the tests of this package. */
import { createPrivateKey, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSigner, type Signer } from '@sigstack/crypto'
import {
  type Certificate,
  createIntermediate,
  createRoot,
  parseCertificatesPem,
  serialNumberFrom,
} from '../src/index.ts'

export const now = new Date('2026-03-01T12:00:00.750Z')

export function vector(name: string): string {
  return readFileSync(new URL(`./vectors/${name}`, import.meta.url), 'latin1')
}

export function certificatesIn(name: string): readonly Certificate[] {
  return parseCertificatesPem(vector(name), 200)
}

export function certificateIn(name: string): Certificate {
  return certificatesIn(name)[0]!
}

/** Test keys; the scalar is the number. */
export function p256Key(scalar: number): KeyObject {
  const d = Buffer.alloc(32)
  d.writeUInt32BE(scalar, 28)
  const sec1 = Buffer.concat([
    Buffer.from('30310201010420', 'hex'),
    d,
    Buffer.from('a00a06082a8648ce3d030107', 'hex'),
  ])
  return createPrivateKey({ key: sec1, format: 'der', type: 'sec1' })
}

export const rootSigner: Signer = createSigner(p256Key(11))
export const issuingSigner: Signer = createSigner(p256Key(12))
export const leafSigner: Signer = createSigner(p256Key(13))

export function serial(fill: number): Uint8Array {
  return serialNumberFrom(new Uint8Array(20).fill(fill))
}

export function makeRoot(signer: Signer = rootSigner, commonName = 'sigstack root'): Promise<Certificate> {
  return createRoot({
    signer,
    commonName,
    organization: 'example.org',
    notBefore: new Date('2026-01-01T00:00:00Z'),
    notAfter: new Date('2036-01-01T00:00:00Z'),
    serialNumber: serial(1),
  })
}

export function makeIntermediate(root: Certificate, signer: Signer = issuingSigner): Promise<Certificate> {
  return createIntermediate({
    root,
    rootSigner,
    publicKey: signer.publicKey,
    commonName: 'sigstack',
    notBefore: new Date('2026-01-01T00:00:00Z'),
    notAfter: new Date('2029-01-01T00:00:00Z'),
    serialNumber: serial(2),
  })
}

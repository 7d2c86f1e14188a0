/** Reads the vectors beside it; their origins are in vectors/README.md. */
import { readdirSync, readFileSync } from 'node:fs'
import { encodePem } from '@sigstack/crypto'

const folder = new URL('./vectors/', import.meta.url)

export type Derived = {
  readonly note: string
  readonly proposal: unknown
  readonly canonicalBody: string
  readonly leafHash: string
  readonly indexKeys: readonly string[]
}
export type Expected = {
  readonly kind: string
  readonly leafHash: string
  readonly indexKeys: readonly string[]
}

type LogEntry = { readonly canonicalizedBody: string }
type CertificateBytes = { readonly rawBytes: string }
export type Bundle = {
  readonly verificationMaterial: {
    readonly tlogEntries: readonly LogEntry[]
    readonly certificate?: CertificateBytes
    readonly x509CertificateChain?: { readonly certificates: readonly CertificateBytes[] }
  }
  readonly messageSignature?: {
    readonly messageDigest: { readonly algorithm: string; readonly digest: string }
    readonly signature: string
  }
  readonly dsseEnvelope?: {
    readonly payload: string
    readonly payloadType: string
    readonly signatures: readonly { readonly sig: string; readonly keyid?: string }[]
  }
}

export const text = (path: string): string => readFileSync(new URL(path, folder), 'utf8')
export const bytes = (path: string): Buffer => readFileSync(new URL(path, folder))
export const json = <T>(path: string): T => JSON.parse(text(path)) as T
export const names = (path: string): readonly string[] => readdirSync(new URL(path, folder)).sort()
export const base64 = (content: string | Uint8Array): string => Buffer.from(content).toString('base64')

export const bodyOf = (bundle: Bundle): Buffer =>
  Buffer.from(bundle.verificationMaterial.tlogEntries[0]!.canonicalizedBody, 'base64')

/** The key as its signer sent it: the leaf certificate, or `key.pub` beside the bundle. */
export function keyOf(path: string, bundle: Bundle): string {
  const { certificate, x509CertificateChain } = bundle.verificationMaterial
  const leaf = certificate ?? x509CertificateChain?.certificates[0]
  if (leaf !== undefined) return encodePem('CERTIFICATE', Buffer.from(leaf.rawBytes, 'base64'))
  return text(path.replace('bundle.json', 'key.pub'))
}

export function hashedrekordOf(path: string, bundle: Bundle): unknown {
  const { messageDigest, signature } = bundle.messageSignature!
  return hashedrekord(
    messageDigest.algorithm.toLowerCase().replace('2_', ''),
    Buffer.from(messageDigest.digest, 'base64').toString('hex'),
    signature,
    base64(keyOf(path, bundle)),
  )
}

export function hashedrekord(algorithm: string, value: string, signature: string, key: string) {
  return {
    apiVersion: '0.0.1',
    kind: 'hashedrekord',
    spec: {
      data: { hash: { algorithm, value } },
      signature: { content: signature, publicKey: { content: key } },
    },
  }
}

export function dsse(envelope: string, ...verifiers: readonly string[]) {
  return { apiVersion: '0.0.1', kind: 'dsse', spec: { proposedContent: { envelope, verifiers } } }
}

/** The ways in which clients write one envelope down. */
export function serialisationsOf({ payload, payloadType, signatures }: NonNullable<Bundle['dsseEnvelope']>) {
  const sigs = signatures.map(({ sig }) => sig)
  return {
    go: JSON.stringify({ payload, payloadType, signatures: sigs.map((sig) => ({ sig })) }),
    cosign: JSON.stringify({ payloadType, payload, signatures: sigs.map((sig) => ({ keyid: '', sig })) }),
    js: JSON.stringify({ payload, payloadType, signatures: sigs.map((sig) => ({ sig, keyid: '' })) }),
  }
}

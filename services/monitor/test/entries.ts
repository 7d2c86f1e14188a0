/** Leaves as logs hold them, by certificates of a job and of a person. */

import { sha256, signingAlgorithm, toBase64, toHex, utf8 } from '@sigstack/crypto'
import { merkleTreeLeaf } from '@sigstack/ct'
import {
  assembleCertificate,
  type Certificate,
  createRoot,
  encodeCertificatePem,
  type FulcioClaims,
  fulcioExtensions,
  leafTemplate,
  plainTbs,
  type San,
} from '@sigstack/x509'
import { newSigner } from './test-log.ts'

export type Authority = {
  /** The certificate, and the part of it that is signed. */
  issue(request: IssueRequest): Promise<{ readonly der: Uint8Array; readonly tbs: Uint8Array }>
  readonly root: Certificate
}

export type IssueRequest = {
  readonly san: San
  readonly claims: FulcioClaims
  readonly at: Date
}

export async function openAuthority(): Promise<Authority> {
  const signer = newSigner('ecdsa')
  const root = await createRoot({
    signer,
    commonName: 'test',
    organization: 'test',
    notBefore: new Date('2026-01-01T00:00:00Z'),
    notAfter: new Date('2036-01-01T00:00:00Z'),
    serialNumber: Uint8Array.of(1),
  })
  return {
    root,
    issue: async ({ san, claims, at }) => {
      const template = leafTemplate({
        serialNumber: Uint8Array.of(7),
        issuer: root,
        notBefore: at,
        publicKey: newSigner('ecdsa').publicKey.spki,
        subjectAlternativeName: san,
        extensions: fulcioExtensions(claims),
      })
      const tbs = plainTbs(template)
      return {
        tbs,
        der: assembleCertificate(tbs, signingAlgorithm(signer.publicKey), await signer.sign(tbs)),
      }
    },
  }
}

/** The body of a hashedrekord, by this certificate or key in PEM. */
export function rekorEntry(pem: string, content: string): Uint8Array {
  const hash = { algorithm: 'sha256', value: toHex(sha256(content)) }
  const signature = { content: toBase64(utf8('signature')), publicKey: { content: toBase64(utf8(pem)) } }
  const spec = { data: { hash }, signature }
  return utf8(JSON.stringify({ apiVersion: '0.0.1', kind: 'hashedrekord', spec }))
}

export function pemOf(der: Uint8Array): string {
  return encodeCertificatePem(der)
}

/** A precertificate as the leaf of a CT log holds it: its signed part alone. */
export function precertificateLeaf(tbs: Uint8Array, timestampMs: number, issuer?: Certificate): Uint8Array {
  const issuerKeyHash = sha256(issuer?.spki ?? 'issuer')
  const entry = { type: 'precert', issuerKeyHash, tbs } as const
  return merkleTreeLeaf({ timestampMs, entry, extensions: new Uint8Array() })
}

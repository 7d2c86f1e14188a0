/** What logs that are read by tiles hold, and a console over one. */
import { createSigner, generateSigningKey, sha256, signingAlgorithm, toBase64, utf8 } from '@sigstack/crypto'
import { encodeExtraData, merkleTreeLeaf } from '@sigstack/ct'
import { buildTrustedRoot } from '@sigstack/trust-root'
import {
  assembleCertificate,
  createRoot,
  fulcioExtensions,
  leafTemplate,
  plainTbs,
  precertificateTbs,
} from '@sigstack/x509'
import { createTestCa } from '@sigstack/x509/testing'
import type { Test } from 'tap'
import type { TileLog } from './tile-log.ts'
import { now, openConsole, openLog } from './workshop.ts'

const tokenIssuer = 'https://issuer.example'
const validFor = { start: new Date('2026-01-01T00:00:00Z') }

/** A hashedrekord 0.0.2 that is all that it says, by a certificate for `name` (a user name, which may hold anything). */
export async function entryOf(name: string) {
  const ca = await createTestCa(now)
  const { signer, der } = await ca.certify({ type: 'username', value: name }, tokenIssuer)
  const artifact = utf8('what is signed\n')
  const verifier = { keyDetails: 'PKIX_ECDSA_P256_SHA_256', x509Certificate: { rawBytes: toBase64(der) } }
  const record = {
    data: { algorithm: 'SHA2_256', digest: toBase64(sha256(artifact)) },
    signature: { content: toBase64(await signer.sign(artifact)), verifier },
  }
  const body = { apiVersion: '0.0.2', kind: 'hashedrekord', spec: { hashedRekordV002: record } }
  return { leaf: utf8(JSON.stringify(body)), root: ca.root.der }
}

/** An authority, and precertificates of it as a log keeps them. */
export async function openAuthority() {
  const signer = createSigner(generateSigningKey())
  const root = await createRoot({
    signer,
    commonName: 'root',
    organization: 'test',
    notBefore: new Date(now.getTime() - 3_600_000),
    notAfter: new Date(now.getTime() + 3_600_000),
    serialNumber: Uint8Array.of(1),
  })
  const precertify = async (name: string) => {
    const template = leafTemplate({
      serialNumber: Uint8Array.of(7),
      issuer: root,
      notBefore: now,
      publicKey: createSigner(generateSigningKey()).publicKey.spki,
      subjectAlternativeName: { type: 'username', value: name },
      extensions: fulcioExtensions({ issuer: tokenIssuer }),
    })
    const tbs = precertificateTbs(template)
    const signature = await signer.sign(tbs)
    const entry = { type: 'precert', issuerKeyHash: sha256(root.spki), tbs: plainTbs(template) } as const
    const precertificate = assembleCertificate(tbs, signingAlgorithm(signer.publicKey), signature)
    return {
      leaf: merkleTreeLeaf({ timestampMs: now.getTime(), entry, extensions: new Uint8Array() }),
      extra: encodeExtraData({ type: 'precert', precertificate, chain: [root.der] }),
    }
  }
  return { root: root.der, precertify }
}

/** A console that trusts the log and these roots. */
export async function openTreeConsole(
  t: Test,
  kind: 'rekor-v2' | 'ct',
  log: TileLog,
  {
    roots,
    settings = {},
    beside = [],
  }: {
    readonly roots: readonly Uint8Array[]
    readonly settings?: Record<string, string>
    /** What a search finds beside the entries of Rekor v1. */
    readonly beside?: readonly unknown[]
  },
) {
  const known = [{ baseUrl: 'https://tiles.example', publicKey: log.publicKey, validFor }]
  const trustedRoot = buildTrustedRoot({
    tlogs: kind === 'ct' ? [] : known,
    ctlogs: kind === 'ct' ? known : [],
    certificateAuthorities: roots.map((root) => ({ uri: 'https://ca.example', chain: [root], validFor })),
    timestampAuthorities: [],
  })
  const { url: rekor } = await openLog(t, [{ body: { kind: 'rpm' } }, { body: { kind: 'rpm' } }], { beside })
  return openConsole(
    t,
    { url: rekor, trustedRoot },
    { [kind === 'ct' ? 'CONSOLE_CT_URL' : 'CONSOLE_REKOR_V2_URL']: log.url, ...settings },
  )
}

/** Policies and trust to test with. */
import { createSigner, encodePublicKeyPem, generateSigningKey, keyFingerprint } from '@sigstack/crypto'
import type { TrustedLog, TrustedRoot } from '@sigstack/trust-root'
import type { ExportContext, ImagePolicy, Rule } from '../src/index.ts'

const newKey = () => createSigner(generateSigningKey()).publicKey
export const newKeyPem = () => encodePublicKeyPem(newKey())

export function makeLog(baseUrl: string, year = 2020): TrustedLog {
  const key = newKey()
  return {
    baseUrl,
    publicKey: key.spki,
    keyDetails: 'PKIX_ECDSA_P256_SHA_256',
    logId: keyFingerprint(key),
    validFor: { start: new Date(Date.UTC(year, 0)) },
  }
}

export const trustedRoot: TrustedRoot = {
  tlogs: [makeLog('https://log.example')],
  ctlogs: [makeLog('https://ct.example')],
  certificateAuthorities: [
    {
      subject: { organization: 'Example' },
      uri: 'https://ca.example',
      chain: [Buffer.from('intermediate'), Buffer.from('root')],
      validFor: { start: new Date(0) },
    },
  ],
  timestampAuthorities: [],
}

export const context: ExportContext = {
  toolVersion: '1.2.3',
  trust: { trustedRoot, text: '{ "mediaType": "a trusted root" }' },
  tuf: { mirror: 'https://trust.example/tuf', root: Buffer.from('{"signed":{}}') },
}

/** What every engine can say, but for Flux, which has no patterns of images. */
export const plain: Rule = {
  name: 'signed',
  images: ['registry.example/team/**'],
  signedBy: [{ issuer: 'https://issuer.example', identity: 'ci@example.org' }],
  attestations: [],
  log: 'required',
}

export function policyOf(rule: Partial<Rule> = {}, more: Partial<ImagePolicy> = {}): ImagePolicy {
  return {
    name: 'images',
    mode: 'enforce',
    otherwise: 'allow',
    signatures: 'both',
    rules: [{ ...plain, ...rule }],
    ...more,
  }
}

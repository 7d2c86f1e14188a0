/** What signers are handed: key files, the clusters that have them, predicates, and signatures from before bundles. */
import { readFileSync } from 'node:fs'
import { attestationStatement, demandToken } from '@sigstack/signing'
import { importPrivateKey, parseKubeconfig, readSealedKey } from '@sigstack/signing/keys'
import { readEnvelope, readLegacyBundle } from '@sigstack/verification'
import { emailToken } from './seeds.ts'
import type { Target } from './target.ts'

const key = (name: string): Uint8Array =>
  readFileSync(new URL(`../../packages/signing/test/vectors/keys/${name}`, import.meta.url))
const text = (input: Uint8Array): string => Buffer.from(input).toString('utf8')
const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value))

const rekorBundle = {
  SignedEntryTimestamp: 'AQ==',
  Payload: {
    body: Buffer.from('{"apiVersion":"0.0.1","kind":"hashedrekord","spec":{}}').toString('base64'),
    integratedTime: 1_700_000_000,
    logIndex: 7,
    logID: '00'.repeat(32),
  },
}
const kubeconfig = {
  'current-context': 'here',
  contexts: [{ name: 'here', context: { cluster: 'c', user: 'u' } }],
  clusters: [{ name: 'c', cluster: { server: 'https://c.example', 'certificate-authority-data': 'YQ==' } }],
  users: [{ name: 'u', user: { token: 't', 'client-key-data': 'YQ==' } }],
}

export function signingTargets(): readonly Target[] {
  const refusals = ['SigningError']
  return [
    {
      name: 'legacy-bundle',
      form: 'json',
      seeds: [json({ base64Signature: 'AQ==', rekorBundle })],
      refusals: ['VerificationError'],
      run: (input) => readLegacyBundle(text(input)),
    },
    {
      name: 'dsse-envelope',
      form: 'json',
      seeds: [json({ payload: 'e30=', payloadType: 'a', signatures: [{ sig: 'AQ==', keyid: 'k' }] })],
      refusals: ['VerificationError'],
      run: (input) => readEnvelope(text(input)),
    },
    {
      name: 'sealed-key',
      form: 'text',
      seeds: [key('cosign-3.1.3-p256.key'), key('encrypted-cosign-label.key')],
      refusals,
      run: (input) => readSealedKey(text(input)),
    },
    {
      name: 'private-key',
      form: 'text',
      seeds: [key('openssl-rsa.pem'), key('openssl-p384.pem'), key('openssl-ed25519.pem')],
      refusals,
      run: (input) => importPrivateKey(text(input)),
    },
    {
      name: 'kubeconfig',
      form: 'json',
      seeds: [json(kubeconfig)],
      refusals,
      run: (input) => parseKubeconfig('/nowhere/config', text(input)),
    },
    {
      name: 'predicate',
      form: 'json',
      seeds: [json({ buildType: 'x', a: [1, 'b', null] })],
      refusals,
      run: (input) =>
        attestationStatement(
          { name: 'x', digest: { sha256: 'ab' } },
          'slsaprovenance',
          text(input),
          new Date(0),
        ),
    },
    {
      name: 'identity-token-of-a-signer',
      form: 'jwt',
      seeds: [Buffer.from(emailToken)],
      refusals,
      run: (input) => demandToken(text(input), new Date(0)),
    },
  ]
}

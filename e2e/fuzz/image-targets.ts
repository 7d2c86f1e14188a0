/** What registries hold under the old tags of images: annotations of a layer, and what is signed. */
import { generateKeyPairSync, sign } from 'node:crypto'
import { createSigner, encodePem, toBase64 } from '@sigstack/crypto'
import { verifySignatureLayer } from '@sigstack/verification'
import type { Target } from './target.ts'

const digest = 'ab'.repeat(32)
const payload = Buffer.from(
  `{"critical":{"identity":{"docker-reference":"registry.example/app"},"image":{"docker-manifest-digest":"sha256:${digest}"},"type":"cosign container image signature"},"optional":{"team":"blue"}}`,
)
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const { publicKey } = createSigner(privateKey)
const signatureOver = (bytes: Uint8Array): string => toBase64(sign('sha256', bytes, privateKey))
const refusals = ['VerificationError']

function verify(bytes: Uint8Array, annotations: Readonly<Record<string, string>>): Promise<unknown> {
  return verifySignatureLayer(
    { payload: bytes, annotations },
    {
      artifact: { digests: { sha256: Buffer.from(digest, 'hex') } },
      trustedRoot: { tlogs: [], ctlogs: [], certificateAuthorities: [], timestampAuthorities: [] },
      signer: { key: publicKey },
      ignoreTlog: true,
      annotations: { team: 'blue' },
    },
  )
}

/** Annotations are texts by name; how a manifest holds them is another target. */
function textsIn(input: Uint8Array): Readonly<Record<string, string>> {
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(input).toString('utf8'))
  } catch {
    return {}
  }
  return Object.fromEntries(
    Object.entries(value ?? {}).map(([name, text]) => [name, typeof text === 'string' ? text : String(text)]),
  )
}

export function imageTargets(): readonly Target[] {
  const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value))
  const signature = { 'dev.cosignproject.cosign/signature': signatureOver(payload) }
  const body = Buffer.from('{"apiVersion":"0.0.1","kind":"hashedrekord","spec":{}}').toString('base64')
  const entry = { body, integratedTime: 1_700_000_000, logIndex: 7, logID: '00'.repeat(32) }
  return [
    {
      name: 'old-signature-annotations',
      form: 'json',
      seeds: [
        json(signature),
        json({
          ...signature,
          'dev.sigstore.cosign/bundle': JSON.stringify({ SignedEntryTimestamp: 'AQ==', Payload: entry }),
        }),
        json({ ...signature, 'dev.sigstore.cosign/certificate': encodePem('CERTIFICATE', publicKey.spki) }),
        json({
          ...signature,
          'dev.sigstore.cosign/rfc3161timestamp': '{"SignedRFC3161Timestamp":"MAMwAQA="}',
        }),
      ],
      refusals,
      run: (input) => verify(payload, textsIn(input)),
    },
    {
      name: 'old-signature-payload',
      form: 'json',
      seeds: [payload],
      refusals,
      run: (input) => verify(input, { 'dev.cosignproject.cosign/signature': signatureOver(input) }),
    },
  ]
}

/** Signatures of images as registries keep them, in the form that old tags hold. */
import { generateKeyPairSync, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import {
  createSigner,
  encodePublicKeyPem,
  parseHex,
  parsePublicKeyPem,
  preAuthenticationEncoding,
  sha256,
  toBase64,
  toHex,
  utf8,
} from '@sigstack/crypto'
import { parseTrustedRoot } from '@sigstack/trust-root'
import t from 'tap'
import { demandDigest, type ImageClaim } from '../src/images/claim.ts'
import {
  artifactOfBytes,
  type ImageConditions,
  layerAnnotations,
  readBundle,
  type StoredLayer,
  verifyAttestationLayer,
  verifyImageBundle,
  verifySignatureLayer,
} from '../src/index.ts'
import { makeLog } from './bundle-workshop.ts'

const vector = (name: string): Buffer => readFileSync(new URL(`vectors/${name}`, import.meta.url))
const text = (name: string): string => vector(name).toString('utf8')

const image = 'f3cfc9d0dbf931d3db4685ec659b7ac68e2a578219da4aae65427886e649b06b'
const pem = text('legacy/key-signed/key.pub')
const layer: StoredLayer = {
  payload: vector('legacy/key-signed/payload.json'),
  annotations: { [layerAnnotations.signature]: text('legacy/key-signed/signature.b64').trim() },
}
const conditions: ImageConditions = {
  artifact: { digests: { sha256: parseHex(image) } },
  trustedRoot: { tlogs: [], ctlogs: [], certificateAuthorities: [], timestampAuthorities: [] },
  signer: { key: parsePublicKeyPem(pem) },
  ignoreTlog: true,
}
const with_ = (annotations: Readonly<Record<string, string>>): StoredLayer => ({
  ...layer,
  annotations: { ...layer.annotations, ...annotations },
})

t.test('a signature that another tool made with a key verifies, and says what it is of', async (t) => {
  const { claim } = await verifySignatureLayer(layer, conditions)
  t.same(claim, {
    digest: `sha256:${image}`,
    reference: 'registry-testing.svc.lan/busybox',
    type: 'cosign container image signature',
    annotations: {},
  })
})

t.test('each thing that is wrong with a layer is refused by a sentence of its own', async (t) => {
  const otherImage = { digests: { sha256: parseHex('00'.repeat(32)) } }
  const payload = Buffer.from(layer.payload.toString().replace('busybox', 'busyboy'))
  const wrong: readonly (readonly [StoredLayer, Partial<ImageConditions>, RegExp])[] = [
    [layer, { artifact: otherImage }, /digest in claim: the signature is for "sha256:f3cf/],
    [layer, { annotations: { a: 'b' } }, /the annotation "a" is missing, expected "b"/],
    [layer, { annotations: { toString: 'b' } }, /the annotation "toString" is missing/],
    [layer, { ignoreTlog: false }, /holds no log entry/],
    [layer, { signer: {} }, /was signed with a key/],
    [{ ...layer, payload }, {}, /signature is not by the key/],
    [{ ...layer, annotations: {} }, {}, /holds no signature/],
    [with_({ [layerAnnotations.signature]: '!' }), {}, /the signature of the signature cannot be read/],
    [with_({ [layerAnnotations.bundle]: '{}' }), {}, /legacy bundle cannot be read/],
    [with_({ [layerAnnotations.timestamp]: '{}' }), {}, /it holds no timestamp/],
    // A bare key is nobody's word for whose it is.
    [with_({ [layerAnnotations.certificate]: pem }), {}, /something else than one certificate/],
    [with_({ [layerAnnotations.certificate]: pem }), { signer: {} }, /something else than one certificate/],
  ]
  for (const [stored, changed, message] of wrong)
    await t.rejects(
      verifySignatureLayer(stored, { ...conditions, ...changed }),
      { name: 'VerificationError', message },
      String(message),
    )
})

t.test('what is no statement about an image is no signature of one', async (t) => {
  await t.rejects(verifyAttestationLayer(layer, conditions), { code: 'bad_bundle' })
  const blob = readBundle(text('conformance/happy-path-v0.2/bundle.sigstore.json'))
  await t.rejects(verifyImageBundle(blob, conditions), {
    code: 'not_verified',
    message: /a statement about an image was expected/,
  })
})

t.test('a bundle that stock cosign stored beside an image verifies for that image alone', async (t) => {
  const bundle = readBundle(text('oci/empty-image/bundle.sigstore.json'))
  const stored: ImageConditions = {
    artifact: artifactOfBytes(vector('oci/empty-image/manifest.json')),
    trustedRoot: parseTrustedRoot(text('oci/empty-image/trusted_root.json')),
    signer: {},
  }
  const { claim } = await verifyImageBundle(bundle, stored)
  t.equal(claim.digest, `sha256:${toHex(stored.artifact.digests.sha256 ?? new Uint8Array())}`)
  await t.rejects(verifyImageBundle(bundle, { ...stored, predicateType: 'https://example.org/other' }), {
    message: /^invalid predicate type, expected "https:\/\/example.org\/other" got /,
  })
  await t.rejects(verifyImageBundle(bundle, { ...stored, artifact: conditions.artifact }), {
    message: /no subject of the statement/,
  })
  await t.rejects(verifyImageBundle(bundle, { ...stored, annotations: { a: 'b' } }), {
    message: /the annotation "a" is missing/,
  })
})

t.test('an entry of intoto 0.0.1 vouches for the envelope as it is stored, and for no other', async (t) => {
  const log = makeLog()
  const signer = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const key = createSigner(signer).publicKey
  const subject = [{ name: 'x', digest: { sha256: image } }]
  const payload = utf8(
    JSON.stringify({
      _type: 'https://in-toto.io/Statement/v0.1',
      subject,
      predicateType: 'p',
      predicate: {},
    }),
  )
  const payloadType = 'application/vnd.in-toto+json'
  const signature = sign('sha256', preAuthenticationEncoding({ payload, payloadType }), signer)
  const signatures = [{ sig: toBase64(signature) }]
  const envelope = utf8(JSON.stringify({ payloadType, payload: toBase64(payload), signatures }))
  const hash = (bytes: Uint8Array) => ({ algorithm: 'sha256', value: toHex(sha256(bytes)) })
  const layerWith = (changed: object): StoredLayer => {
    const spec = {
      content: { hash: hash(envelope), payloadHash: hash(payload) },
      publicKey: toBase64(utf8(encodePublicKeyPem(key))),
      ...changed,
    }
    const body = toBase64(utf8(JSON.stringify({ apiVersion: '0.0.1', kind: 'intoto', spec })))
    const Payload = { body, integratedTime: 1_772_366_400, logID: toHex(log.logId), logIndex: 7 }
    const SignedEntryTimestamp = toBase64(
      sign(
        'sha256',
        utf8(
          `{"body":"${body}","integratedTime":1772366400,"logID":"${Payload.logID}","logIndex":${Payload.logIndex}}`,
        ),
        log.key,
      ),
    )
    const bundle = JSON.stringify({ SignedEntryTimestamp, Payload })
    return { payload: envelope, annotations: { [layerAnnotations.bundle]: bundle } }
  }
  const logged: ImageConditions = {
    ...conditions,
    trustedRoot: {
      ...conditions.trustedRoot,
      tlogs: [
        {
          baseUrl: 'https://log.example.org',
          logId: log.logId,
          publicKey: log.publicKey.spki,
          keyDetails: 'PKIX_ECDSA_P256_SHA_256',
          validFor: { start: new Date(0) },
        },
      ],
    },
    signer: { key },
    ignoreTlog: false,
  }
  t.match(await verifyAttestationLayer(layerWith({}), logged), { logIndex: 7n, claim: { type: 'p' } })
  const other = toBase64(utf8(pem))
  for (const [changed, message] of [
    [{ content: { hash: hash(payload), payloadHash: hash(payload) } }, /made for another envelope/],
    [{ content: { hash: hash(envelope), payloadHash: hash(envelope) } }, /made for another envelope/],
    [{ publicKey: other }, /made for another certificate or key/],
    [{ content: { payloadHash: hash(payload) } }, /body of the log entry is malformed|lacks a member/],
  ] as const)
    await t.rejects(verifyAttestationLayer(layerWith(changed), logged), { message }, String(message))
  // Whoever keeps the envelope in another form has not its digest.
  const loose = { ...layerWith({}), payload: utf8(`${Buffer.from(envelope).toString()} `) }
  await t.rejects(verifyAttestationLayer(loose, logged), { message: /made for another envelope/ })
})

t.test('a claim is for a digest of the image, by the hash that it names', async (t) => {
  const claim = (digest: string): ImageClaim => ({ digest, type: 'any', annotations: {} })
  const hex = 'ab'.repeat(64)
  const artifact = { digests: { sha512: parseHex(hex) } }
  demandDigest(claim(`sha512:${hex}`), artifact)
  for (const other of ['sha256:', `sha256:${hex}`, `sha512:${'ac'.repeat(64)}`, ''])
    t.throws(() => demandDigest(claim(other), artifact), { message: /, and the image is sha512:abab/ }, other)
})

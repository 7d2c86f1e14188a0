/** Signatures of images as registries keep them, in the form that old tags hold. */
import { readFileSync } from 'node:fs'
import { parseHex, parsePublicKeyPem, toHex } from '@sigstack/crypto'
import { parseTrustedRoot } from '@sigstack/trust-root'
import t from 'tap'
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

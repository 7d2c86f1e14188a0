/**
 * What verifiers of others once let through, as files, images and attestations carry it: the same fault is refused for the same
 * reason wherever the signature lies. Each begins with what is good, so that the fault alone is what is refused.
 */
import { generateKeyPairSync, sign } from 'node:crypto'
import {
  createSigner,
  encodePem,
  parseHex,
  preAuthenticationEncoding,
  sha256,
  toBase64,
  toHex,
  utf8,
} from '@sigstack/crypto'
import type { TrustedRoot } from '@sigstack/trust-root'
import { extendedKeyUsageOid } from '@sigstack/x509'
import t from 'tap'
import { artifactOfBytes } from '../src/artifact.ts'
import {
  bundleOfParts,
  readBundle,
  readLegacyBundle,
  type StoredLayer,
  type VerifyOptions,
  verifyAttestationLayer,
  verifyBundle,
  verifyImageBundle,
  verifySignatureLayer,
} from '../src/index.ts'
import {
  always,
  around,
  artifact,
  type Issued,
  issue,
  logEntry,
  makeLog,
  makeWorkshop,
  minutes,
  timestamp,
} from './bundle-workshop.ts'

const shop = makeWorkshop()
const { leaf, log, root, tsa, tsaRoot, intermediate } = shop
const image = { digests: { sha256: parseHex('ab'.repeat(32)) } }
const signatureType = 'https://sigstore.dev/cosign/sign/v1'
const attestationType = 'https://openvex.dev/ns'

type Parts = {
  /** PEM of the signer, or what stands in its place. */
  readonly certificate: string
  readonly signature: Uint8Array
  readonly entries: readonly Record<string, unknown>[]
  readonly stamps: readonly Uint8Array[]
}
type More = Partial<VerifyOptions>

/** One way to store a signature. */
type Carrier = {
  readonly name: string
  /** What the signature is over. */
  readonly signed: Uint8Array
  /** What stamps are over. */
  readonly stamped: (signature: Uint8Array) => Uint8Array
  readonly isBundle: boolean
  verify(parts: Parts, more?: More): Promise<unknown>
}

const common = (more: More) => ({ trustedRoot: shop.trust(), signer: {}, ignoreSct: true, ...more })

/** In the form of today; `content` in the place of the signature of a file. */
function bundleText({ certificate, signature, entries, stamps }: Parts, content?: object): string {
  const { messageSignature, verificationMaterial, ...rest } = shop.bundle(leaf, signature, entries, stamps)
  return JSON.stringify({
    ...rest,
    verificationMaterial: {
      ...(verificationMaterial as object),
      certificate: { rawBytes: certificate.replace(/-----[^-]+-----|\n/g, '') },
    },
    ...(content === undefined ? { messageSignature } : { dsseEnvelope: content }),
  })
}

function statementOf(predicateType: string): Uint8Array {
  const subject = [{ digest: { sha256: toHex(image.digests.sha256) } }]
  return utf8(
    JSON.stringify({ _type: 'https://in-toto.io/Statement/v1', subject, predicateType, predicate: {} }),
  )
}

const payloadType = 'application/vnd.in-toto+json'
const envelopeOf = (payload: Uint8Array, signature: Uint8Array) => ({
  payload: toBase64(payload),
  payloadType,
  signatures: [{ sig: toBase64(signature) }],
})

function annotationsOf({ certificate, signature, entries: [entry], stamps: [stamp] }: Parts) {
  const { integratedTime, logIndex, canonicalizedBody, logId, inclusionPromise } = entry as Record<
    string,
    string & { keyId: string; signedEntryTimestamp: string }
  >
  return {
    'dev.cosignproject.cosign/signature': toBase64(signature),
    'dev.sigstore.cosign/certificate': certificate,
    'dev.sigstore.cosign/bundle': JSON.stringify({
      SignedEntryTimestamp: inclusionPromise?.signedEntryTimestamp,
      Payload: {
        body: canonicalizedBody,
        integratedTime: Number(integratedTime),
        logIndex: Number(logIndex),
        logID: Buffer.from(logId?.keyId ?? '', 'base64').toString('hex'),
      },
    }),
    ...(stamp && {
      'dev.sigstore.cosign/rfc3161timestamp': JSON.stringify({ SignedRFC3161Timestamp: toBase64(stamp) }),
    }),
  }
}

function ofImage(name: string, predicateType: string): Carrier {
  const payload = statementOf(predicateType)
  return {
    name,
    signed: preAuthenticationEncoding({ payloadType, payload }),
    stamped: (signature) => signature,
    isBundle: true,
    verify: async (parts, more = {}) => {
      const bundle = readBundle(bundleText(parts, envelopeOf(payload, parts.signature)))
      return verifyImageBundle(bundle, { artifact: image, predicateType, ...common(more) })
    },
  }
}

const file: Carrier = {
  name: 'a file',
  signed: artifact,
  stamped: (signature) => signature,
  isBundle: true,
  verify: async (parts, more = {}) =>
    verifyBundle({
      bundle: readBundle(bundleText(parts)),
      artifact: artifactOfBytes(artifact),
      ...common(more),
    }),
}
const simpleSigning = utf8(
  `{"critical":{"identity":{"docker-reference":"r"},"image":{"docker-manifest-digest":"sha256:${toHex(image.digests.sha256)}"},"type":"cosign container image signature"},"optional":null}`,
)
const oldSignature: Carrier = {
  name: 'an old signature of an image',
  signed: simpleSigning,
  stamped: (signature) => signature,
  isBundle: false,
  verify: async (parts, more = {}) =>
    verifySignatureLayer(
      { payload: simpleSigning, annotations: annotationsOf(parts) },
      { artifact: image, ...common(more) },
    ),
}
const oldStatement = statementOf(attestationType)
const oldEnvelope = (signature: Uint8Array): Uint8Array =>
  utf8(JSON.stringify(envelopeOf(oldStatement, signature)))
const oldAttestation: Carrier = {
  name: 'an old attestation of an image',
  signed: preAuthenticationEncoding({ payloadType, payload: oldStatement }),
  stamped: oldEnvelope,
  isBundle: false,
  verify: async (parts, more = {}) => {
    const annotations = { ...annotationsOf(parts), 'dev.cosignproject.cosign/signature': '' }
    const layer: StoredLayer = { payload: oldEnvelope(parts.signature), annotations }
    return verifyAttestationLayer(layer, {
      artifact: image,
      predicateType: attestationType,
      ...common(more),
    })
  },
}
const carriers: readonly Carrier[] = [
  file,
  ofImage('a signature of an image', signatureType),
  ofImage('an attestation of an image', attestationType),
  oldSignature,
  oldAttestation,
]

/** All of it good, by `by`; `changes` are what is not. */
async function partsOf(carrier: Carrier, by: Issued = leaf, changes: Partial<Parts> = {}): Promise<Parts> {
  const { signed } = carrier
  const signature = sign('sha256', signed, by.key)
  const entry = await logEntry(log, { signature, verifier: by.der, digest: sha256(signed) })
  return {
    certificate: encodePem('CERTIFICATE', by.der),
    signature,
    entries: [entry],
    stamps: [],
    ...changes,
  }
}
const stampOver = (
  carrier: Carrier,
  signature: Uint8Array,
  by: Issued,
  issuer: Issued,
  certificates: readonly Uint8Array[] = [],
): Uint8Array => timestamp(carrier.stamped(signature), { by, issuer, certificates })
const refused = (message: RegExp) => ({ name: 'VerificationError', message })

for (const carrier of carriers)
  t.test(carrier.name, async (t) => {
    const good = await partsOf(carrier)
    const { signed, verify } = carrier
    const { signature } = good
    const digest = sha256(signed)

    await t.test('verifies as it is', async (t) => {
      await t.resolves(verify(good))
      const stamps = [stampOver(carrier, signature, tsa, tsaRoot)]
      await t.resolves(verify({ ...good, stamps }, { requireSignedTimestamp: true }))
    })

    await t.test('a good entry of something else proves nothing (CVE-2026-22703)', async (t) => {
      const stranger = issue({ name: 'leaf', issuer: intermediate, period: around })
      const other = sign('sha256', utf8('another'), leaf.key)
      for (const [of, reason] of [
        [{ signature: other, verifier: leaf.der, digest: sha256(utf8('another')) }, /another signature/],
        [{ signature: other, verifier: leaf.der, digest }, /another signature/],
        [{ signature, verifier: leaf.der, digest: sha256(utf8('another')) }, /another artifact/],
        [{ signature, verifier: stranger.der, digest }, /another certificate or key/],
      ] as const)
        await t.rejects(verify({ ...good, entries: [await logEntry(log, of)] }), refused(reason))
    })

    await t.test('every certificate above is valid at the time, too (CVE-2026-24122)', async (t) => {
      const period = { start: always.start, end: minutes(-1) }
      const ended = issue({ name: 'ended', issuer: root, isCa: true, period })
      const usage = extendedKeyUsageOid.codeSigning
      const below = issue({ name: 'leaf', issuer: ended, period: around, usage, email: 'a@example.org' })
      const trustedRoot = shop.trust({ certificateAuthorities: [shop.authority([ended, root])] })
      const parts = await partsOf(carrier, below)
      await t.rejects(verify(parts, { trustedRoot }), refused(/certificate 2 of the chain is valid/))
    })

    await t.test('a stamp is by the one whom its signer names (CVE-2026-39984)', async (t) => {
      const usage = extendedKeyUsageOid.timeStamping
      const forged = issue({ name: 'tsa', issuer: root, usage })
      for (const certificates of [
        [tsa.der, forged.der],
        [forged.der, tsa.der],
      ]) {
        const stamps = [stampOver(carrier, signature, forged, root, certificates)]
        await t.rejects(
          verify({ ...good, stamps }, { requireSignedTimestamp: true }),
          refused(/does not list/),
        )
      }
    })

    await t.test('an authority that retired stamps by no window of another', async (t) => {
      const usage = extendedKeyUsageOid.timeStamping
      const next = issue({ name: 'tsa 2', issuer: tsaRoot, usage })
      const retired = shop.authority([tsa, tsaRoot], { start: minutes(-1000), end: minutes(-10) })
      const trustedRoot = shop.trust({ timestampAuthorities: [retired, shop.authority([next, tsaRoot])] })
      const options = { trustedRoot, requireSignedTimestamp: true }
      const stamps = [stampOver(carrier, signature, tsa, tsaRoot)]
      await t.rejects(verify({ ...good, stamps }, options), refused(/its authority was not trusted/))
      await t.resolves(verify({ ...good, stamps: [stampOver(carrier, signature, next, tsaRoot)] }, options))
    })

    await t.test('the time of a signature lies in the window of the key of the log', async (t) => {
      const trustedFor = (start: Date, end: Date): TrustedRoot =>
        shop.trust({ tlogs: [shop.trustedLog(log, { start, end })] })
      for (const trustedRoot of [
        trustedFor(minutes(-100), minutes(-10)),
        trustedFor(minutes(10), minutes(100)),
      ])
        await t.rejects(verify(good, { trustedRoot }), refused(/the key of its log was not trusted/))
      await t.resolves(verify(good, { trustedRoot: trustedFor(minutes(-10), minutes(10)) }))
      const stranger = { trustedRoot: shop.trust({ tlogs: [shop.trustedLog(makeLog())] }) }
      await t.rejects(verify(good, stranger), refused(/no entry of a log that the trusted root lists/))
    })

    await t.test('a bare key where a certificate belongs is nobody (GHSA-fx35-mq7g-6g98)', async (t) => {
      const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      const spki = publicKey.export({ type: 'spki', format: 'der' })
      const own = sign('sha256', signed, privateKey)
      const parts = {
        ...good,
        certificate: encodePem('PUBLIC KEY', spki),
        signature: own,
        entries: [await logEntry(log, { signature: own, verifier: spki, digest })],
      }
      await t.rejects(verify(parts), { name: 'VerificationError' })
      const { publicKey: wanted } = createSigner(leaf.key)
      await t.rejects(verify(parts, { signer: { key: wanted } }), { name: 'VerificationError' })
      await t.rejects(verify(parts, { signer: { key: wanted }, ignoreTlog: true }), {
        name: 'VerificationError',
      })
    })

    await t.test('certificates without number are not looked at (CVE-2026-32280)', async (t) => {
      const many = Array.from({ length: 10_000 }, () => tsa.der)
      const stamps = [stampOver(carrier, signature, tsa, tsaRoot, many)]
      await t.rejects(verify({ ...good, stamps }, { requireSignedTimestamp: true }), {
        name: 'VerificationError',
      })
      if (!carrier.isBundle)
        await t.rejects(verify({ ...good, certificate: good.certificate.repeat(10_000) }), {
          code: 'bad_bundle',
        })
    })

    await t.test('what is asked for is what it is (GHSA-w6c6-c85g-mmv6)', async (t) => {
      const { signed: _signed, ...old } = oldSignature
      if (carrier.name === old.name)
        await t.rejects(
          verifySignatureLayer(
            { payload: oldStatement, annotations: annotationsOf(await partsOf(carrier)) },
            { artifact: image, ...common({ ignoreTlog: true }) },
          ),
          { name: 'VerificationError' },
        )
      else
        await t.rejects(
          verify(good, { predicateType: 'https://slsa.dev/provenance/v1' }),
          refused(/invalid predicate type|plain signature and no attestation/),
        )
    })

    if (carrier.isBundle)
      await t.test('one log counts once', async (t) => {
        const [entry] = good.entries
        await t.rejects(verify({ ...good, entries: [...good.entries, ...good.entries] }), refused(/twice/))
        const moved = { ...entry, logIndex: '9' }
        await t.rejects(verify({ ...good, entries: [...good.entries, moved] }), refused(/promise of the log/))
      })
  })

t.test('a bare key in the old bundle of a file is nobody, with a key beside it or without', async (t) => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const pem = encodePem('PUBLIC KEY', publicKey.export({ type: 'spki', format: 'der' }))
  const signature = toBase64(sign('sha256', artifact, privateKey))
  const old = { base64Signature: signature, cert: toBase64(utf8(pem)) }
  t.throws(() => readLegacyBundle(JSON.stringify(old)), { code: 'bad_bundle' })
  const parts = readLegacyBundle(JSON.stringify({ base64Signature: signature }))
  const bundle = bundleOfParts(parts, {
    type: 'message',
    algorithm: 'sha256',
    digest: sha256(artifact),
    signature: parts.signature,
  })
  const { publicKey: wanted } = createSigner(leaf.key)
  const options = { bundle, artifact: artifactOfBytes(artifact), ...common({ ignoreTlog: true }) }
  await t.rejects(verifyBundle({ ...options, signer: { key: wanted } }), { name: 'VerificationError' })
})

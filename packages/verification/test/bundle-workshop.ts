/** Everything that a bundle needs, made here: authorities, logs and stamps that err in whatever way a test asks for. */
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { noteKeyId, rekorV1KeyHint, signCheckpoint } from '@sigstack/checkpoint'
import {
  createSigner,
  der,
  derOid,
  derTag,
  digest,
  encodePem,
  keyFingerprint,
  parsePublicKey,
  sha256,
  toBase64,
  toHex,
  utf8,
} from '@sigstack/crypto'
import { leafHash } from '@sigstack/merkle'
import type { TrustedRoot } from '@sigstack/trust-root'
import { encodeExtension, extendedKeyUsageOid, extensionOid } from '@sigstack/x509'

export type Period = { readonly start: Date; readonly end: Date }
export type Issued = { readonly der: Uint8Array; readonly key: KeyObject; readonly name: string }

export const signedAt = new Date('2026-03-01T12:00:00Z')
export const always: Period = {
  start: new Date('2020-01-01T00:00:00Z'),
  end: new Date('2040-01-01T00:00:00Z'),
}
export const minutes = (count: number) => new Date(signedAt.getTime() + count * 60_000)
export const around: Period = { start: minutes(-5), end: minutes(5) }
export const artifact = Buffer.from('what is signed\n')

const ecdsaSha256 = der(derTag.sequence, derOid('1.2.840.10045.4.3.2'))
const newKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
const spkiOf = (key: KeyObject): Uint8Array => createSigner(key).publicKey.spki
const nothing = new Uint8Array()
let serial = 0

type CertificateRequest = {
  readonly name: string
  readonly issuer?: Issued
  readonly period?: Period
  readonly isCa?: boolean
  readonly usage?: string
  readonly email?: string
  /** The first octet of its bits. */
  readonly keyUsage?: number
}

export function issue(request: CertificateRequest): Issued {
  const { name, issuer, period = always, isCa = false, usage, email, keyUsage } = request
  const key = newKey()
  serial += 1
  const extensions = [
    ...(isCa
      ? [
          encodeExtension({
            oid: extensionOid.basicConstraints,
            critical: true,
            value: der(derTag.sequence, der(derTag.boolean, Uint8Array.of(0xff))),
          }),
        ]
      : []),
    ...(usage
      ? [
          encodeExtension({
            oid: extensionOid.extendedKeyUsage,
            critical: true,
            value: der(derTag.sequence, derOid(usage)),
          }),
        ]
      : []),
    ...(keyUsage === undefined
      ? []
      : [
          encodeExtension({
            oid: extensionOid.keyUsage,
            critical: true,
            value: der(derTag.bitString, Uint8Array.of(0, keyUsage)),
          }),
        ]),
    ...(email
      ? [
          encodeExtension({
            oid: extensionOid.subjectAlternativeName,
            critical: true,
            value: der(derTag.sequence, der(0x81, utf8(email))),
          }),
        ]
      : []),
  ]
  const tbs = der(
    derTag.sequence,
    der(0xa0, der(derTag.integer, Uint8Array.of(2))),
    der(derTag.integer, Uint8Array.of(serial)),
    ecdsaSha256,
    nameOf(issuer?.name ?? name),
    der(derTag.sequence, utcTime(period.start), utcTime(period.end)),
    nameOf(name),
    spkiOf(key),
    der(0xa3, der(derTag.sequence, ...extensions)),
  )
  const signature = sign('sha256', tbs, issuer?.key ?? key)
  const whole = der(derTag.sequence, tbs, ecdsaSha256, der(derTag.bitString, Uint8Array.of(0), signature))
  return { der: whole, key, name }
}

export const nameOf = (text: string) =>
  der(
    derTag.sequence,
    der(derTag.set, der(derTag.sequence, derOid('2.5.4.3'), der(derTag.utf8String, utf8(text)))),
  )

const digits = (at: Date) => at.toISOString().replace(/[-:T]|\.\d+/g, '')
const time = (at: Date) => der(0x18, utf8(digits(at)))
const utcTime = (at: Date) => der(0x17, utf8(digits(at).slice(2)))

/** A log with its key; `v2` signs with its host's name and gives no promise. */
export function makeLog(host = 'log.example.org') {
  const key = newKey()
  const publicKey = parsePublicKey(spkiOf(key))
  return { host, key, publicKey, signer: createSigner(key), logId: keyFingerprint(publicKey) }
}
export type Log = ReturnType<typeof makeLog>

export async function logEntry(
  log: Log,
  signed: { readonly signature: Uint8Array; readonly verifier: Uint8Array; readonly digest?: Uint8Array },
  options: { readonly version?: 'v1' | 'v2'; readonly at?: Date; readonly logIndex?: number } = {},
): Promise<Record<string, unknown>> {
  const { version = 'v1', at = signedAt, logIndex = version === 'v1' ? 4711 : 0 } = options
  const hash = signed.digest ?? sha256(artifact)
  const content = toBase64(signed.signature)
  const body = JSON.stringify(
    version === 'v1'
      ? {
          apiVersion: '0.0.1',
          kind: 'hashedrekord',
          spec: {
            data: { hash: { algorithm: 'sha256', value: toHex(hash) } },
            signature: {
              content,
              publicKey: { content: toBase64(utf8(encodePem('CERTIFICATE', signed.verifier))) },
            },
          },
        }
      : {
          apiVersion: '0.0.2',
          kind: 'hashedrekord',
          spec: {
            hashedRekordV002: {
              data: { algorithm: 'SHA2_256', digest: toBase64(hash) },
              signature: {
                content,
                verifier: {
                  keyDetails: 'PKIX_ECDSA_P256_SHA_256',
                  x509Certificate: { rawBytes: toBase64(signed.verifier) },
                },
              },
            },
          },
        },
  )
  const rootHash = leafHash(Buffer.from(body))
  const checkpoint = await signCheckpoint({
    origin: version === 'v1' ? `${log.host} - 1` : log.host,
    name: log.host,
    treeHead: { size: 1n, rootHash },
    signer: log.signer,
    keyHint:
      version === 'v1' ? rekorV1KeyHint(log.publicKey) : noteKeyId(log.host, log.publicKey).subarray(0, 4),
  })
  const seconds = at.getTime() / 1000
  const promised = `{"body":"${toBase64(utf8(body))}","integratedTime":${seconds},"logID":"${toHex(log.logId)}","logIndex":${logIndex}}`
  return {
    logIndex: String(logIndex),
    logId: { keyId: toBase64(log.logId) },
    kindVersion: { kind: 'hashedrekord', version: version === 'v1' ? '0.0.1' : '0.0.2' },
    ...(version === 'v1' && {
      integratedTime: String(seconds),
      inclusionPromise: { signedEntryTimestamp: toBase64(sign('sha256', utf8(promised), log.key)) },
    }),
    inclusionProof: {
      logIndex: '0',
      treeSize: '1',
      rootHash: toBase64(rootHash),
      hashes: [],
      checkpoint: { envelope: checkpoint },
    },
    canonicalizedBody: toBase64(utf8(body)),
  }
}

/** SigningCertificateV2 with a SHA-256 for each (RFC 5035 section 4), the hash unnamed. */
export function signingCertificate(...certificates: readonly Uint8Array[]): Uint8Array {
  const ids = certificates.map((each) => der(derTag.sequence, der(derTag.octetString, sha256(each))))
  return der(derTag.sequence, der(derTag.sequence, ...ids))
}

/** An RFC 3161 response over `signature`; `certificates` stand in the token in that order. */
export function timestamp(
  signature: Uint8Array,
  options: {
    readonly by: Issued
    readonly issuer: Issued
    readonly at?: Date
    readonly certificates?: readonly Uint8Array[]
    readonly status?: number
    /** What TSTInfo has behind its time. */
    readonly behindTime?: Uint8Array
    /** The attributes that say by which certificate it is signed, by their names; the one of RFC 5816 by default. */
    readonly signingCertificates?: Readonly<Record<string, Uint8Array>>
    /** Where the content stands: an OCTET STRING. */
    readonly contentTag?: number
    /** The hashes that the token says it is signed over, each an AlgorithmIdentifier. */
    readonly digestAlgorithms?: Uint8Array
    /** Behind the status, the token, and the parts of the signed data up to the certificates. */
    readonly behind?: {
      readonly status?: Uint8Array
      readonly token?: Uint8Array
      readonly lists?: Uint8Array
    }
  },
): Uint8Array {
  const { by, issuer, at = signedAt, certificates = [], status = 0 } = options
  const { contentTag = derTag.octetString, behindTime = nothing, behind = {} } = options
  const sha256Id = der(derTag.sequence, derOid('2.16.840.1.101.3.4.2.1'))
  const info = der(
    derTag.sequence,
    der(derTag.integer, Uint8Array.of(1)),
    derOid('1.3.6.1.4.1.57264.2'),
    der(derTag.sequence, sha256Id, der(derTag.octetString, sha256(signature))),
    der(derTag.integer, Uint8Array.of(7)),
    time(at),
    behindTime,
  )
  const tstInfo = derOid('1.2.840.113549.1.9.16.1.4')
  const attribute = (oid: string, value: Uint8Array) =>
    der(derTag.sequence, derOid(oid), der(derTag.set, value))
  const attributes = [
    attribute('1.2.840.113549.1.9.3', tstInfo),
    attribute('1.2.840.113549.1.9.4', der(derTag.octetString, digest('sha256', info))),
    ...Object.entries(
      options.signingCertificates ?? { '1.2.840.113549.1.9.16.2.47': signingCertificate(by.der) },
    ).map(([oid, value]) => attribute(oid, value)),
  ]
  const serialNumber = serialOf(by.der)
  const signerInfo = der(
    derTag.sequence,
    der(derTag.integer, Uint8Array.of(1)),
    der(derTag.sequence, nameOf(issuer.name), serialNumber),
    sha256Id,
    der(0xa0, ...attributes),
    ecdsaSha256,
    der(derTag.octetString, sign('sha256', der(derTag.set, ...attributes), by.key)),
  )
  const signedData = der(
    derTag.sequence,
    der(derTag.integer, Uint8Array.of(3)),
    der(derTag.set, options.digestAlgorithms ?? sha256Id),
    der(derTag.sequence, tstInfo, der(0xa0, der(contentTag, info))),
    ...(certificates.length > 0 ? [der(0xa0, ...certificates)] : []),
    behind.lists ?? nothing,
    der(derTag.set, signerInfo),
  )
  const token = der(derTag.sequence, derOid('1.2.840.113549.1.7.2'), der(0xa0, signedData))
  return der(
    derTag.sequence,
    der(derTag.sequence, der(derTag.integer, Uint8Array.of(status)), behind.status ?? nothing),
    token,
    behind.token ?? nothing,
  )
}

/** Certificates of here have one byte of serial number, after the version. */
function serialOf(certificate: Uint8Array): Uint8Array {
  const at = Buffer.from(certificate).indexOf(Buffer.from([0xa0, 3, 2, 1, 2, 2, 1]))
  return certificate.subarray(at + 5, at + 8)
}

export type Workshop = ReturnType<typeof makeWorkshop>

/** One of each, all of them good. */
export function makeWorkshop() {
  const codeSigning = extendedKeyUsageOid.codeSigning
  const root = issue({ name: 'root', isCa: true })
  const intermediate = issue({ name: 'intermediate', issuer: root, isCa: true, usage: codeSigning })
  const leaf = issue({
    name: 'leaf',
    issuer: intermediate,
    period: around,
    usage: codeSigning,
    email: 'a@example.org',
  })
  const tsaRoot = issue({ name: 'tsa root', isCa: true })
  const tsa = issue({ name: 'tsa', issuer: tsaRoot, usage: extendedKeyUsageOid.timeStamping })
  const log = makeLog()
  const trustedLog = (of: Log, validFor: Period = always) => ({
    baseUrl: `https://${of.host}`,
    publicKey: of.publicKey.spki,
    keyDetails: 'PKIX_ECDSA_P256_SHA_256',
    logId: of.logId,
    validFor,
  })
  const authority = (chain: readonly Issued[], validFor: Period = always) => ({
    subject: {},
    chain: chain.map((certificate) => certificate.der),
    validFor,
  })
  const trust = (changes: Partial<TrustedRoot> = {}): TrustedRoot => ({
    tlogs: [trustedLog(log)],
    certificateAuthorities: [authority([intermediate, root])],
    ctlogs: [],
    timestampAuthorities: [authority([tsa, tsaRoot])],
    ...changes,
  })
  const signWith = (by: Issued, what: Uint8Array = artifact) => sign('sha256', what, by.key)
  const bundle = (
    by: Issued,
    signature: Uint8Array,
    entries: readonly unknown[],
    stamps: readonly Uint8Array[] = [],
  ): Record<string, unknown> => ({
    mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
    verificationMaterial: {
      certificate: { rawBytes: toBase64(by.der) },
      tlogEntries: entries,
      timestampVerificationData: {
        rfc3161Timestamps: stamps.map((stamp) => ({ signedTimestamp: toBase64(stamp) })),
      },
    },
    messageSignature: {
      messageDigest: {
        algorithm: 'SHA2_256',
        digest: toBase64(createHash('sha256').update(artifact).digest()),
      },
      signature: toBase64(signature),
    },
  })
  return { root, intermediate, leaf, tsaRoot, tsa, log, trustedLog, authority, trust, signWith, bundle }
}

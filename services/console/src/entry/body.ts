/** What the body of an entry says, for people: read once, believed in nothing, and never a reason to show no page. */
import {
  type HashAlgorithm,
  isHashAlgorithm,
  isObject,
  memberAt,
  type PublicKey,
  parseBase64,
  parseBoundedJson,
  parseHex,
  parsePublicKey,
  parseUtf8,
  toHex,
} from '@sigstack/crypto'
import { readStoredEntry, type Verifier } from '@sigstack/rekor-entries'
import { describeStamp } from '@sigstack/timestamp'
import { type Certificate, parseCertificate } from '@sigstack/x509'
import { attempt } from '../attempt.ts'
import { textAt } from '../text-at.ts'

export type EntryBody = {
  /** Empty where the body names none. */
  readonly kind: string
  readonly apiVersion: string
  /** As it stands, and laid out where it is JSON. */
  readonly text: string
  readonly json: unknown
  readonly signers: readonly Signer[]
  readonly facts: readonly Fact[]
  readonly digests: readonly string[]
  readonly signed?: SignedDigest
  /** Why it cannot be read, where that is so. */
  readonly fault?: string
}

export type Signer = {
  readonly keyHash: string
  /** Where there is no certificate. */
  readonly key?: PublicKey
  /** The certificate of the signer, then those above it that the entry holds. */
  readonly certificates: readonly Certificate[]
  readonly subjects: readonly string[]
  readonly tokenIssuer?: string
  readonly serialNumber?: string
}

/** A name in words and what the body says. */
export type Fact = { readonly name: string; readonly value: string }

/** A signature over a digest, which is all that a hashedrekord entry holds. */
export type SignedDigest = {
  /** Throws where the key is of a kind that cannot be checked here. */
  readonly key: () => PublicKey
  readonly algorithm: HashAlgorithm
  readonly digest: Uint8Array
  readonly signature: Uint8Array
}

export function readBody(bytes: Uint8Array): EntryBody {
  const text = parseUtf8(bytes) ?? ''
  const json = attempt(() => parseBoundedJson(text))
  const stored = attempt(() => readStoredEntry(bytes))
  const spec = memberAt(json, 'spec')
  const kind = textAt(json, 'kind') ?? ''
  const signers = stored?.verifiers.map(signerOf) ?? []
  const signed = kind === 'hashedrekord' ? signedDigestIn(spec, signers) : undefined
  return {
    kind,
    apiVersion: textAt(json, 'apiVersion') ?? '',
    text,
    json,
    signers,
    facts: kind === 'rfc3161' ? stampFacts(spec) : flat(spec),
    digests: digestsIn(spec),
    ...(signed !== undefined && { signed }),
    ...(stored === undefined && { fault: 'The body cannot be read as an entry of its kind.' }),
  }
}

function signerOf({ keyHash, spki, chain, subjects, tokenIssuer, serialNumber }: Verifier): Signer {
  const certificates = chain.flatMap((der) => attempt(() => parseCertificate(der)) ?? [])
  // That of a certificate is read once, and where it is asked for.
  const key = spki === undefined || chain.length > 0 ? undefined : attempt(() => parsePublicKey(spki))
  return {
    keyHash,
    subjects,
    certificates,
    ...(key !== undefined && { key }),
    ...(tokenIssuer !== undefined && { tokenIssuer }),
    ...(serialNumber !== undefined && { serialNumber }),
  }
}

function signedDigestIn(spec: unknown, [signer]: readonly Signer[]): SignedDigest | undefined {
  const record = memberAt(spec, 'hashedRekordV002') ?? spec
  const [algorithm = '', value = '?'] = (
    digestIn(memberAt(record, 'data', 'hash')) ??
    digestIn(memberAt(record, 'data')) ??
    ''
  ).split(':')
  const digest = attempt(() => parseHex(value))
  const signature = attempt(() => parseBase64(textAt(record, 'signature', 'content') ?? '?'))
  if (digest === undefined || signature === undefined || signer === undefined) return undefined
  if (!isHashAlgorithm(algorithm)) return undefined
  const key = () => {
    const found = signer.key ?? signer.certificates[0]?.publicKey
    if (found === undefined) throw new Error('the key cannot be read')
    return found
  }
  return { key, algorithm, digest, signature }
}

/** Digests of what was signed, as `sha256:…`: other entries are found by them. */
function digestsIn(spec: unknown): readonly string[] {
  const places = [
    ['data', 'hash'],
    ['content', 'payloadHash'],
    ['payloadHash'],
    ['data', 'payloadHash'],
    ['package', 'hash'],
    ['archive', 'hash'],
    ['chart', 'hash'],
    ['hashedRekordV002', 'data'],
    ['dsseV002', 'payloadHash'],
  ]
  return places.flatMap((place) => digestIn(memberAt(spec, ...place)) ?? [])
}

/** `{algorithm, value}` of Rekor v1 in hexadecimal, and `{algorithm, digest}` of v2 in base64 under the names of protobuf. */
function digestIn(told: unknown): string | undefined {
  const [algorithm, value, digest] = ['algorithm', 'value', 'digest'].map((name) => textAt(told, name))
  if (algorithm === undefined) return undefined
  if (digest === undefined)
    return /^[0-9a-fA-F]{16,256}$/.test(value ?? '') ? `${algorithm}:${value}` : undefined
  const bytes = attempt(() => parseBase64(digest))
  const name = algorithm.toLowerCase().replace(/^sha2_/, 'sha')
  return bytes === undefined || bytes.length > 128 ? undefined : `${name}:${toHex(bytes)}`
}

/** Names of upstream's fields in words; what is not here keeps its own. */
const words: Readonly<Record<string, string>> = {
  'data.hash': 'Digest of what was signed',
  'content.hash': 'Digest of the envelope',
  'content.payloadHash': 'Digest of the statement',
  'content.envelope.payloadType': 'Type of what was signed',
  envelopeHash: 'Digest of the envelope',
  payloadHash: 'Digest of the statement',
  'data.envelopeHash': 'Digest of the message',
  'data.payloadHash': 'Digest of the payload',
  'signature.format': 'Form of the signature',
  'package.hash': 'Digest of the package',
  'package.headers.Name': 'Package',
  'package.headers.Version': 'Version',
  'package.headers.Release': 'Release',
  'package.headers.Epoch': 'Epoch',
  'package.headers.Architecture': 'Architecture',
  'package.pkginfo.pkgname': 'Package',
  'package.pkginfo.pkgver': 'Version',
  'package.pkginfo.arch': 'Architecture',
  'archive.hash': 'Digest of the archive',
  'chart.hash': 'Digest of the chart',
  'hashedRekordV002.data': 'Digest of what was signed',
  'hashedRekordV002.signature.verifier.keyDetails': 'Kind of the key',
  'dsseV002.payloadHash': 'Digest of the payload',
}

const longestFact = 512
const mostFacts = 60

/** Every short text in the body with the path to it; long ones are keys and signatures, which stand in the body below. */
function flat(value: unknown, path = ''): readonly Fact[] {
  if (isObject(value)) {
    const digest = digestIn(value)
    if (digest !== undefined) return [{ name: words[path] ?? path, value: digest }]
    return Object.entries(value)
      .flatMap(([name, member]) => flat(member, path === '' ? name : `${path}.${name}`))
      .slice(0, mostFacts)
  }
  if (Array.isArray(value))
    return value.slice(0, mostFacts).flatMap((item, at) => flat(item, `${path} ${at + 1}`))
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  if (
    text === undefined ||
    /(?:^|[.])(?:content|publicKey|verifier|signature|sig|keyid|rawBytes)$/i.test(path)
  )
    return []
  return text.length > longestFact ? [] : [{ name: words[path] ?? path, value: text }]
}

function stampFacts(spec: unknown): readonly Fact[] {
  const token = attempt(() => describeStamp(parseBase64(textAt(spec, 'tsr', 'content') ?? '?')))?.token
  if (token === undefined) return []
  return [
    { name: 'Stamped at', value: token.time.toISOString() },
    { name: 'Digest that was stamped', value: `${token.hash}:${Buffer.from(token.imprint).toString('hex')}` },
    { name: 'Serial number of the stamp', value: token.serialNumber },
    { name: 'Policy', value: token.policy },
  ]
}

/**
 * Who signed an entry, read from its canonical body: what rules, limits, events and search know a writer by. Bodies were
 * verified before they were logged; what cannot be read here is an identity without names, never an error.
 */
import { asBuffer, CryptoError, parseBase64, parsePemBlocks, parseUtf8, sha256Hex } from '@sigstack/crypto'
import { certificateSubjects, fulcioArc, parseCertificate, X509Error } from '@sigstack/x509'

export type SigningIdentity = {
  /** Hex SHA-256 of the key as the body holds it: for x509 the canonical PEM. The search index knows it by the same. */
  readonly keyHash: string
  /** DER SubjectPublicKeyInfo; not for keys of other formats than x509. */
  readonly spki?: Uint8Array
  /** DER certificates, leaf first; none for a plain key. */
  readonly chain: readonly Uint8Array[]
  /** Names in the leaf certificate. */
  readonly subjects: readonly string[]
  /** Who issued the identity token, from Fulcio's extension 8 or 1. */
  readonly tokenIssuer?: string
  /** Of the leaf certificate: hex, lower case, without leading zeros. */
  readonly serialNumber?: string
}

export type EntryFacts = {
  readonly kind: string
  readonly apiVersion: string
  readonly identities: readonly SigningIdentity[]
  /** What was signed, of a hashedrekord: `sha256:` and hex. */
  readonly digest?: string
}

type JsonObject = Readonly<Record<string, unknown>>

const mostIdentities = 100
const mostCertificates = 10

/** `undefined` when the bytes are no body of Rekor's. */
export function readEntryFacts(body: Uint8Array): EntryFacts | undefined {
  let entry: unknown
  try {
    entry = JSON.parse(parseUtf8(body) ?? '')
  } catch {
    return undefined
  }
  const { kind, apiVersion, spec } = objectOf(entry)
  if (typeof kind !== 'string' || typeof apiVersion !== 'string') return undefined
  const keys = keysIn(kind, objectOf(spec)).filter((key) => typeof key === 'string')
  const digest = kind === 'hashedrekord' ? digestIn(spec) : undefined
  const identities = keys.slice(0, mostIdentities).map(identityOf)
  return { kind, apiVersion, identities, ...(digest !== undefined && { digest }) }
}

function digestIn(spec: unknown): string | undefined {
  const { algorithm, value } = objectOf(at(spec, 'data', 'hash'))
  return typeof algorithm === 'string' && typeof value === 'string' ? `${algorithm}:${value}` : undefined
}

/** Where each kind keeps the keys that verified it (rekor-v1.md section 7). Kinds without keys have no identities. */
function keysIn(kind: string, spec: JsonObject): readonly unknown[] {
  switch (kind) {
    case 'hashedrekord':
    case 'rekord':
    case 'jar':
      return [at(spec, 'signature', 'publicKey', 'content')]
    case 'dsse':
      return listOf(spec['signatures']).map((signature) => objectOf(signature)['verifier'])
    case 'intoto':
      return [
        spec['publicKey'],
        ...listOf(at(spec, 'content', 'envelope', 'signatures')).map((item) => objectOf(item)['publicKey']),
      ]
    case 'cose':
      return [spec['publicKey']]
    case 'helm':
    case 'rpm':
    case 'alpine':
      return [at(spec, 'publicKey', 'content')]
    default:
      return []
  }
}

function identityOf(content: string): SigningIdentity {
  const bytes = bytesOf(content)
  const plain = { keyHash: sha256Hex(bytes), chain: [], subjects: [] }
  try {
    const blocks = parsePemBlocks(asBuffer(bytes).toString('latin1'), mostCertificates)
    const chain = blocks.filter(({ type }) => type === 'CERTIFICATE').map(({ der }) => der)
    const [leaf] = chain
    if (leaf !== undefined) return { ...plain, chain, ...namesIn(leaf) }
    const key = blocks.find(({ type }) => type === 'PUBLIC KEY')
    return key === undefined ? plain : { ...plain, spki: key.der }
  } catch (error) {
    if (error instanceof CryptoError || error instanceof X509Error) return plain
    throw error
  }
}

function namesIn(der: Uint8Array): Omit<SigningIdentity, 'keyHash' | 'chain'> {
  const { extensions, serialNumber, spki } = parseCertificate(der)
  const valueOf = (number: number) => extensions.find(({ oid }) => oid === `${fulcioArc}.${number}`)?.value
  const tokenIssuer = derTextOf(valueOf(8)) ?? parseUtf8(valueOf(1) ?? new Uint8Array())
  return {
    spki,
    subjects: certificateSubjects(der),
    serialNumber: normalSerial(asBuffer(serialNumber).toString('hex')),
    ...(tokenIssuer === undefined || tokenIssuer === '' ? {} : { tokenIssuer }),
  }
}

/** As certificates print it, with or without colons and leading zeros. */
export function normalSerial(hex: string): string {
  return hex
    .replaceAll(':', '')
    .toLowerCase()
    .replace(/^0+(?=.)/, '')
}

/** A UTF8String of less than 64 KiB; anything else counts as not there. */
function derTextOf(value: Uint8Array | undefined): string | undefined {
  if (value?.[0] !== 0x0c) return undefined
  const first = value[1] ?? 0
  const lengthBytes = first < 0x80 ? 0 : first - 0x80
  if (lengthBytes > 2) return undefined
  if (value.length < 2 + lengthBytes) return undefined
  let length = first
  if (lengthBytes > 0) length = asBuffer(value.subarray(2, 2 + lengthBytes)).readUIntBE(0, lengthBytes)
  const text = value.subarray(2 + lengthBytes)
  return text.length === length ? parseUtf8(text) : undefined
}

function bytesOf(base64: string): Uint8Array {
  try {
    return parseBase64(base64)
  } catch {
    return Buffer.from(base64)
  }
}

function at(value: unknown, ...path: readonly string[]): unknown {
  let found = value
  for (const name of path) found = objectOf(found)[name]
  return found
}

function objectOf(value: unknown): JsonObject {
  return typeof value === 'object' && value !== null ? (value as JsonObject) : {}
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

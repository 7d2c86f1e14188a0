/** Certificate extensions (RFC 5280 section 4.1.2.9): the list, and the values that chains depend on. */
import {
  asBuffer,
  type DerElement,
  derOid,
  derTag,
  oidOf,
  readOnlyDer,
  shortLivedDer,
} from '@sigstack/crypto'
import { X509Error } from './errors.ts'

export type Extension = {
  readonly oid: string
  readonly critical: boolean
  /** What the extnValue OCTET STRING holds. */
  readonly value: Uint8Array
}

export type KeyUsage = (typeof keyUsages)[number]

/** In bit order, bit 0 first. */
const keyUsages = [
  'digitalSignature',
  'contentCommitment',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const

const limit = 100
const encodedTrue = Uint8Array.of(derTag.boolean, 1, 0xff)

/** OIDs are few and the leaf writer runs often; the bound holds even if a caller makes them up. */
const encodedOids = new Map<string, Uint8Array>()

export function encodeOid(oid: string): Uint8Array {
  let encoded = encodedOids.get(oid)
  if (encoded === undefined) {
    encoded = derOid(oid)
    if (encodedOids.size < 256) encodedOids.set(oid, encoded)
  }
  return encoded
}

/** DEFAULT FALSE is never written: verifiers that re-encode would get other bytes. */
export function encodeExtension({ oid, critical, value }: Extension): Uint8Array {
  const wrapped = shortLivedDer(derTag.octetString, value)
  return critical
    ? shortLivedDer(derTag.sequence, encodeOid(oid), encodedTrue, wrapped)
    : shortLivedDer(derTag.sequence, encodeOid(oid), wrapped)
}

export function parseExtension(element: DerElement): Extension {
  const parts = element.tag === derTag.sequence ? element.children(4) : []
  const [id] = parts
  const value = parts[parts.length - 1]
  const flag = parts.length === 3 ? parts[1] : undefined
  const critical = flag !== undefined && flag.content[0] === 0xff
  if (
    parts.length < 2 ||
    parts.length > 3 ||
    id?.tag !== derTag.oid ||
    value?.tag !== derTag.octetString ||
    (flag !== undefined &&
      (flag.tag !== derTag.boolean || flag.content.length !== 1 || (!critical && flag.content[0] !== 0)))
  )
    throw new X509Error('bad_extension', 'a certificate extension is malformed')
  return { oid: oidOf(id.content), critical, value: value.content }
}

/** The content of the `[3]` element. Two extensions of one kind are refused, as RFC 5280 section 4.2 asks. */
export function parseExtensions(content: Uint8Array): readonly Extension[] {
  const extensions = readOnlyDer(content, derTag.sequence).children(limit).map(parseExtension)
  // They are few, and a set of them would take longer to make.
  for (const [at, { oid }] of extensions.entries())
    for (let before = 0; before < at; before++)
      if (extensions[before]?.oid === oid)
        throw new X509Error('duplicate_extension', `the certificate holds the extension ${oid} twice`)
  return extensions
}

export function parseBasicConstraints(value: Uint8Array): { isCa: boolean; pathLength?: number } {
  const parts = readOnlyDer(value, derTag.sequence).children(2)
  const flag = parts[0]?.tag === derTag.boolean ? parts[0] : undefined
  const length = parts[flag === undefined ? 0 : 1]
  if (parts.length > (flag === undefined ? 1 : 2) || (flag !== undefined && flag.content.length !== 1))
    throw new X509Error('bad_extension', 'basicConstraints is malformed')
  const isCa = flag?.content[0] === 0xff
  if (length === undefined) return { isCa }
  const [first] = length.content
  if (length.tag !== derTag.integer || first === undefined || first >= 0x80 || length.content.length > 4)
    throw new X509Error('bad_extension', 'the path length of basicConstraints is malformed')
  return { isCa, pathLength: asBuffer(length.content).readUIntBE(0, length.content.length) }
}

export function parseKeyUsage(value: Uint8Array): readonly KeyUsage[] {
  const bits = readOnlyDer(value, derTag.bitString).content
  const unused = bits[0]
  if (unused === undefined || unused > 7 || bits.length > 3 || (bits.length === 1 && unused !== 0))
    throw new X509Error('bad_extension', 'keyUsage is malformed')
  return keyUsages.filter((_, bit) => ((bits[1 + (bit >> 3)] ?? 0) & (0x80 >> (bit & 7))) !== 0)
}

export function parseExtendedKeyUsage(value: Uint8Array): readonly string[] {
  return readOnlyDer(value, derTag.sequence)
    .children()
    .map((usage) => {
      if (usage.tag !== derTag.oid) throw new X509Error('bad_extension', 'extKeyUsage is malformed')
      return oidOf(usage.content)
    })
}

/** The keyIdentifier of an AuthorityKeyIdentifier; `undefined` where it names issuer and serial only. */
export function parseAuthorityKeyIdentifier(value: Uint8Array): Uint8Array | undefined {
  const parts = readOnlyDer(value, derTag.sequence).children(3)
  return parts.find(({ tag }) => tag === 0x80)?.content
}

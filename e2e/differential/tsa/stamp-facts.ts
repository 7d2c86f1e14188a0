/** Every field of a TimeStampResp as facts. What differs between any two stamps (serial number, times, signature) is told by its form. */
import {
  type DerElement,
  derTag,
  digest,
  equalBytes,
  oidOf,
  readOnlyDer,
  toHex,
  verifySignature,
} from '@sigstack/crypto'
import type { StampingKey } from '../../support/upstream/stamping-key.ts'

export type StampContext = { readonly key: StampingKey; readonly now: Date }

type Fact = [name: string, value: string]

const implicitZero = 0xa0
const utcTimeTag = 0x17
const hashOf = { 'P-256': 'sha256', 'P-384': 'sha384' } as const
const signedTimeType = '1.2.840.113549.1.9.5'
const messageDigestType = '1.2.840.113549.1.9.4'

/** Throws a CryptoError for what is no DER. */
export async function stampFacts(response: Uint8Array, context: StampContext): Promise<readonly Fact[]> {
  const [status, token] = readOnlyDer(response).children()
  const [type, explicit] = token?.children() ?? []
  const members = explicit?.children()[0]?.children() ?? []
  const [version, digestAlgorithms, encapsulated] = members
  const certificates = members.find(({ tag }) => tag === implicitZero)
  const [contentType, content] = encapsulated?.children() ?? []
  const info = content?.children()[0]?.content ?? new Uint8Array()
  const signers = members.at(-1)?.children() ?? []
  return [
    ['stamp status', hex(status)],
    ['stamp type', hex(type)],
    ['signed data members', tagsOf(members)],
    ['signed data version', hex(version)],
    ['signed data digest algorithms', hex(digestAlgorithms)],
    ['signed data content type', hex(contentType)],
    ['signed data certificates', namesOf(certificates?.children() ?? [], context.key)],
    ['signers', String(signers.length)],
    ...infoFacts(info, context),
    ...(await signerFacts(signers[0], info, context)),
  ]
}

function infoFacts(info: Uint8Array, { now }: StampContext): readonly Fact[] {
  const members = readOnlyDer(info).children()
  const [version, policy, imprint, serialNumber, time, ...optional] = members
  return [
    ['info members', tagsOf(members)],
    ['info version', hex(version)],
    ['info policy', hex(policy)],
    ['info imprint', hex(imprint)],
    ['info serial number', formOfSerial(serialNumber?.content ?? new Uint8Array())],
    ['info time', formOfTime(time, now)],
    ...optional.map((member): Fact => [`info member ${member.tag.toString(16)}`, hex(member)]),
  ]
}

async function signerFacts(
  signer: DerElement | undefined,
  info: Uint8Array,
  { key, now }: StampContext,
): Promise<readonly Fact[]> {
  const members = signer?.children() ?? []
  const [version, identifier, digestAlgorithm, attributes, signatureAlgorithm, signature] = members
  const signed = attributes?.children().map((attribute) => attribute.children()) ?? []
  const hash = hashOf[key.curve]
  const tbs = Uint8Array.from(attributes?.whole ?? [])
  tbs[0] = derTag.set
  const isSigned = await verifySignature(
    key.chain[0].publicKey,
    hash,
    tbs,
    signature?.content ?? new Uint8Array(),
  )
  return [
    ['signer members', tagsOf(members)],
    ['signer version', hex(version)],
    ['signer identifier', hex(identifier)],
    ['signer digest algorithm', hex(digestAlgorithm)],
    ['signer attributes', signed.map(([type]) => oidOf(type?.content ?? new Uint8Array())).join(' ')],
    ...signed.map(([type, values]): Fact => {
      const oid = oidOf(type?.content ?? new Uint8Array())
      if (oid === signedTimeType) return [`attribute ${oid}`, formOfTime(values?.children()[0], now)]
      if (oid !== messageDigestType) return [`attribute ${oid}`, hex(values)]
      const own = values?.children()[0]?.content ?? new Uint8Array()
      return [`attribute ${oid}`, equalBytes(own, digest(hash, info)) ? `${hash} of the content` : toHex(own)]
    }),
    ['signer signature algorithm', hex(signatureAlgorithm)],
    ['signer signature', isSigned ? "the key's" : 'wrong'],
  ]
}

function hex(element: DerElement | undefined): string {
  return element === undefined ? 'none' : toHex(element.whole)
}

function tagsOf(elements: readonly DerElement[]): string {
  return elements.map(({ tag }) => tag.toString(16)).join(' ')
}

/** In the order in which they stand. */
function namesOf(certificates: readonly DerElement[], { chain }: StampingKey): string {
  const names = ['leaf', 'intermediate', 'root']
  return certificates
    .map(({ whole }) => names[chain.findIndex(({ der }) => equalBytes(der, whole))] ?? 'another')
    .join(' ')
}

function formOfSerial(content: Uint8Array): string {
  const isPositive = (content[0] ?? 0x80) < 0x80
  return `${isPositive ? 'positive' : 'negative'}, ${content.length > 20 ? 'over' : content.length < 12 ? 'short of' : 'up to'} 20 octets`
}

const farSeconds = 30

function formOfTime(element: DerElement | undefined, now: Date): string {
  const text = Buffer.from(element?.content ?? []).toString('latin1')
  const full = element?.tag === utcTimeTag ? `20${text}` : text
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)/.exec(full) ?? []
  const time = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  const isNow = Math.abs(now.getTime() - time) < farSeconds * 1000
  return `${element?.tag.toString(16)} ${text.replaceAll(/\d/g, '9')} ${isNow ? 'now' : 'another time'}`
}

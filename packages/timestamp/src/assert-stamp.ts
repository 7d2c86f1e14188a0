/** A token of ours, read again from its bytes and verified before anybody has it. */
import {
  type DerElement,
  derTag,
  digest,
  equalBytes,
  type HashAlgorithm,
  oidOf,
  readDerChildren,
  readOnlyDer,
  verifySignature,
} from '@sigstack/crypto'
import { type Certificate, serialNumberFrom } from '@sigstack/x509'
import { TimestampError } from './errors.ts'
import { attributeOid, hashOid, tstInfoOid } from './oids.ts'
import type { Stamp } from './write-stamp.ts'

export type ExpectedStamp = Stamp & { readonly leaf: Certificate; readonly hash: HashAlgorithm }

/** Throws a {@link TimestampError} with `bad_stamp`. */
export async function assertStamp(response: Uint8Array, expected: ExpectedStamp): Promise<void> {
  const { leaf, hash, request } = expected
  const [status, token] = partsOf(readOnlyDer(response, derTag.sequence))
  const [granted] = partsOf(status)
  demand(granted?.content.length === 1 && granted.content[0] === 0, 'is not granted')
  const [, explicit] = partsOf(token)
  const [, , encapsulated, ...rest] = partsOf(partsOf(explicit)[0])
  const signers = partsOf(rest.at(-1))
  demand(rest.length === (request.certificates ? 2 : 1), 'has other certificates than were asked for')
  if (request.certificates)
    demand(
      partsOf(rest[0]).some(({ whole }) => equalBytes(whole, leaf.der)),
      'lacks its certificate',
    )
  const [type, content] = partsOf(encapsulated)
  demand(type !== undefined && oidOf(type.content) === tstInfoOid, 'holds no time')
  const info = partsOf(content)[0]?.content ?? new Uint8Array()
  assertInfo(info, expected)
  demand(signers.length === 1, 'has not one signer')
  const [, identifier, , attributes, , signature] = partsOf(signers[0])
  const [issuer, serialNumber] = partsOf(identifier)
  demand(isEqual(issuer?.whole, leaf.issuer), 'names another issuer')
  demand(isEqual(serialNumber?.content, leaf.serialNumber), 'names another certificate')
  const signed = assertAttributes(attributes, digest(hash, info))
  demand(
    signature !== undefined && (await verifySignature(leaf.publicKey, hash, signed, signature.content)),
    'has a signature that its certificate does not verify',
  )
}

function assertInfo(bytes: Uint8Array, { request, policy, time, random20 }: ExpectedStamp): void {
  const [version, policyId, imprint, serialNumber, genTime, , nonce] = partsOf(
    readOnlyDer(bytes, derTag.sequence),
  )
  const [algorithm, hashed] = partsOf(imprint)
  const [hashId] = partsOf(algorithm)
  demand(version?.content[0] === 1, 'has another version')
  demand(policyId !== undefined && oidOf(policyId.content) === policy, 'has another policy')
  demand(hashId !== undefined && oidOf(hashId.content) === hashOid[request.hash], 'has another hash')
  demand(isEqual(hashed?.content, request.imprint), 'is of another digest')
  demand(isEqual(serialNumber?.content, serialNumberFrom(random20)), 'has another serial number')
  demand(
    textOf(genTime) === `${time.toISOString().slice(0, 19).replaceAll(/[-:T]/g, '')}Z`,
    'has another time',
  )
  const echoed = nonce?.tag === derTag.integer ? nonce.content : undefined
  demand(
    request.nonce === undefined ? echoed === undefined : isEqual(echoed, request.nonce),
    'has another nonce',
  )
}

/** The bytes that are signed. */
function assertAttributes(attributes: DerElement | undefined, messageDigest: Uint8Array): Uint8Array {
  const values = new Map<string, DerElement | undefined>()
  for (const attribute of partsOf(attributes)) {
    const [type, value] = partsOf(attribute)
    if (type !== undefined) values.set(oidOf(type.content), partsOf(value)[0])
  }
  demand(
    Object.values(attributeOid).every((oid) => values.get(oid) !== undefined) && values.size === 4,
    'lacks a signed attribute',
  )
  demand(
    isEqual(values.get(attributeOid.messageDigest)?.content, messageDigest),
    'is signed over another content',
  )
  const signed = Uint8Array.from(attributes?.whole ?? [])
  signed[0] = derTag.set
  return signed
}

function partsOf(element: DerElement | undefined): readonly DerElement[] {
  demand(element !== undefined, 'has a part too few')
  return readDerChildren(element.content)
}

function textOf(element: DerElement | undefined): string {
  return Buffer.from(element?.content ?? []).toString('latin1')
}

function isEqual(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && equalBytes(a, b)
}

function demand(holds: boolean, complaint: string): asserts holds {
  if (!holds) throw new TimestampError('bad_stamp', `a timestamp that was made here ${complaint}`)
}

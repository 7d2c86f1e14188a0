/** trusted_root.json, read strictly (sigstore_trustroot.proto, media type 0.1). */
import {
  badMember,
  bytesOf,
  CryptoError,
  itemsOf,
  type JsonNode,
  membersOf,
  oneOf,
  parsePublicKey,
  present,
  textOf,
  timeOf,
} from '@sigstack/crypto'
import { TrustRootError } from './errors.ts'
import { keyDetailsNames, publicKeyKindOf } from './key-details.ts'
import { mediaTypes } from './media-types.ts'
import { readTrustFile } from './read-trust-file.ts'
import type { CertificateAuthority, OpenValidityPeriod, TrustedLog, TrustedRoot } from './types.ts'

const limits = { logs: 256, authorities: 256, certificates: 16, certificateBytes: 65_536, keyBytes: 16_384 }

/** Throws {@link TrustRootError} for whatever a strict client would not read. */
export function parseTrustedRoot(text: string): TrustedRoot {
  return readTrustFile(text, 'trusted root', trustedRootFrom)
}

export function trustedRootFrom(node: JsonNode): TrustedRoot {
  const members = membersOf(node, [
    'mediaType',
    'tlogs',
    'certificateAuthorities',
    'ctlogs',
    'timestampAuthorities',
  ])
  demandMediaType(members.mediaType, mediaTypes.trustedRoot)
  return {
    tlogs: itemsOf(members.tlogs, limits.logs).map(logFrom),
    certificateAuthorities: itemsOf(members.certificateAuthorities, limits.authorities).map(authorityFrom),
    ctlogs: itemsOf(members.ctlogs, limits.logs).map(logFrom),
    timestampAuthorities: itemsOf(members.timestampAuthorities, limits.authorities).map(authorityFrom),
  }
}

export function demandMediaType(node: JsonNode | undefined, expected: string): void {
  if (node?.value !== expected) {
    throw new TrustRootError('wrong_media_type', `mediaType must be ${expected}`)
  }
}

function logFrom(node: JsonNode): TrustedLog {
  // `operator` and `checkpointKeyId` are read past: published by others, never by us.
  const members = membersOf(node, [
    'baseUrl',
    'hashAlgorithm',
    'publicKey',
    'logId',
    'checkpointKeyId',
    'operator',
  ])
  oneOf(present(members.hashAlgorithm, node, 'hashAlgorithm'), ['SHA2_256'])
  const keyNode = present(members.publicKey, node, 'publicKey')
  const key = membersOf(keyNode, ['rawBytes', 'keyDetails', 'validFor'])
  const logIdNode = present(members.logId, node, 'logId')
  const keyIdNode = present(membersOf(logIdNode, ['keyId']).keyId, logIdNode, 'keyId')
  const logId = bytesOf(keyIdNode, 64)
  if (logId.length !== 32) throw badMember(keyIdNode.path, `must have 32 bytes, not ${logId.length}`)

  const validFor = key.validFor === undefined ? {} : validityFrom(key.validFor)
  if (validFor.start === undefined) {
    throw new TrustRootError('missing_validity_start', `${keyNode.path}.validFor.start is missing`)
  }
  const keyDetails = oneOf(present(key.keyDetails, keyNode, 'keyDetails'), keyDetailsNames)
  const rawBytes = present(key.rawBytes, keyNode, 'rawBytes')
  const publicKey = bytesOf(rawBytes, limits.keyBytes)
  demandKeyOfKind(rawBytes.path, publicKey, keyDetails)
  return {
    baseUrl: members.baseUrl === undefined ? '' : textOf(members.baseUrl),
    publicKey,
    keyDetails,
    logId,
    validFor: { ...validFor, start: validFor.start },
  }
}

/** PEM text in `rawBytes`, and a key of another kind than its label, are the mistakes seen in the field. */
function demandKeyOfKind(path: string, publicKey: Uint8Array, keyDetails: string): void {
  const wanted = publicKeyKindOf(keyDetails)
  if (wanted === undefined) {
    if (publicKey[0] !== 0x30) throw badMember(path, 'is not a DER key')
    return
  }
  try {
    const found = parsePublicKey(publicKey)
    const kind = found.type === 'ecdsa' ? found.curve : found.type
    if (kind !== wanted)
      throw badMember(path, `holds a key of kind ${kind}, but keyDetails says ${keyDetails}`)
  } catch (cause) {
    if (!(cause instanceof CryptoError)) throw cause
    throw new TrustRootError('bad_member', `${path} is not a DER SubjectPublicKeyInfo: ${cause.message}`, {
      cause,
    })
  }
}

function authorityFrom(node: JsonNode): CertificateAuthority {
  const members = membersOf(node, ['subject', 'uri', 'certChain', 'validFor', 'operator'])
  const subject =
    members.subject === undefined
      ? { organization: undefined, commonName: undefined }
      : membersOf(members.subject, ['organization', 'commonName'])
  const chainNode = present(members.certChain, node, 'certChain')
  const certificates = itemsOf(membersOf(chainNode, ['certificates']).certificates, limits.certificates)
  if (certificates.length === 0) {
    throw new TrustRootError('bad_chain', `${chainNode.path} holds no certificate`)
  }
  return {
    subject: {
      ...(subject.organization && { organization: textOf(subject.organization) }),
      ...(subject.commonName && { commonName: textOf(subject.commonName) }),
    },
    ...(members.uri && { uri: textOf(members.uri) }),
    chain: certificates.map(certificateFrom),
    validFor: members.validFor === undefined ? {} : validityFrom(members.validFor),
  }
}

function certificateFrom(node: JsonNode): Uint8Array {
  const rawBytes = present(membersOf(node, ['rawBytes']).rawBytes, node, 'rawBytes')
  const der = bytesOf(rawBytes, limits.certificateBytes)
  if (der[0] !== 0x30) throw badMember(rawBytes.path, 'is not a DER certificate')
  return der
}

export function validityFrom(node: JsonNode): OpenValidityPeriod {
  const members = membersOf(node, ['start', 'end'])
  const start = members.start && timeOf(members.start)
  const end = members.end && timeOf(members.end)
  if (start !== undefined && end !== undefined && end < start)
    throw badMember(node.path, 'ends before it starts')
  return { ...(start && { start }), ...(end && { end }) }
}

/**
 * Bundles (sigstore_bundle.proto) from text, once and strictly: a version, a member or a spelling that is not known is
 * refused, since another reader may understand it otherwise.
 */
import {
  badMember,
  bytesOf,
  countOf,
  digestLengthBytes,
  type HashAlgorithm,
  itemsOf,
  type JsonNode,
  type Members,
  membersOf,
  ProtoJsonError,
  parseProtoJson,
  present,
  quoted,
  textOf,
} from '@sigstack/crypto'
import type { Bundle, BundleVersion, EntryProof, Envelope, LogEntry, MessageSignature } from './bundle.ts'
import { VerificationError } from './errors.ts'

const limits = {
  characters: 32 << 20,
  bodyBytes: 24 << 20,
  checkpointCharacters: 1_000_000,
  entries: 32,
  timestamps: 32,
  timestampBytes: 64 << 10,
  certificates: 10,
  certificateBytes: 64 << 10,
  signatureBytes: 16 << 10,
  proofHashes: 64,
}

/** All there are; the parameter is part of the name and not to be read as one. */
const versions: Readonly<Record<string, BundleVersion>> = {
  'application/vnd.dev.sigstore.bundle+json;version=0.1': '0.1',
  'application/vnd.dev.sigstore.bundle+json;version=0.2': '0.2',
  'application/vnd.dev.sigstore.bundle+json;version=0.3': '0.3',
  'application/vnd.dev.sigstore.bundle.v0.3+json': '0.3',
}

export type ReadOptions = {
  /** Also in version 0.3, which holds one certificate; those above the leaf count for nothing. */
  readonly allowCertificateChain?: boolean
}

/** Throws a {@link VerificationError} of code `bad_bundle`. */
export function readBundle(text: string, options: ReadOptions = {}): Bundle {
  try {
    return bundleFrom(parseProtoJson(text, 'bundle', limits.characters), options)
  } catch (cause) {
    if (!(cause instanceof ProtoJsonError)) throw cause
    throw unreadable(
      cause.code === 'not_json' ? cause.message.replace('the bundle', 'it') : cause.message,
      cause,
    )
  }
}

/** An entry on its own, as logs of Rekor v2 answer with it (TransparencyLogEntry). Throws `bad_bundle`. */
export function readLogEntry(text: string): LogEntry {
  try {
    return entryFrom(parseProtoJson(text, 'log entry', limits.characters), '0.3')
  } catch (cause) {
    if (!(cause instanceof ProtoJsonError)) throw cause
    throw new VerificationError('bad_bundle', `the log entry cannot be read: ${cause.message}`, { cause })
  }
}

/** A DSSE envelope on its own, with its one signature. Throws `bad_bundle`. */
export function readEnvelope(text: string): Envelope {
  try {
    return envelopeFrom(parseProtoJson(text, 'envelope', limits.characters))
  } catch (cause) {
    if (!(cause instanceof ProtoJsonError)) throw cause
    throw new VerificationError('bad_bundle', `the envelope cannot be read: ${cause.message}`, { cause })
  }
}

function bundleFrom(node: JsonNode, options: ReadOptions): Bundle {
  const top = membersOf(node, ['mediaType', 'verificationMaterial', 'messageSignature', 'dsseEnvelope'])
  const mediaType = present(top.mediaType, node, 'mediaType')
  const version = Object.hasOwn(versions, String(mediaType.value)) && versions[textOf(mediaType)]
  if (!version) throw unreadable(`its version is not known (mediaType ${quoted(mediaType.value, 100)})`)
  const materialNode = present(top.verificationMaterial, node, 'verificationMaterial')
  const material = membersOf(materialNode, [
    'certificate',
    'x509CertificateChain',
    'publicKey',
    'tlogEntries',
    'timestampVerificationData',
  ])
  return {
    version,
    material: materialFrom(materialNode, material, version === '0.3' && !options.allowCertificateChain),
    entries: itemsOf(material.tlogEntries, limits.entries).map((entry) => entryFrom(entry, version)),
    timestamps: timestampsFrom(material.timestampVerificationData),
    content: contentFrom(node, top),
  }
}

function materialFrom(
  node: JsonNode,
  members: Members<'certificate' | 'x509CertificateChain' | 'publicKey'>,
  holdsOne: boolean,
): Bundle['material'] {
  const { certificate, x509CertificateChain, publicKey } = members
  const given = [certificate, x509CertificateChain, publicKey].filter((member) => member !== undefined)
  if (given.length !== 1)
    throw badMember(node.path, 'must hold one of certificate, x509CertificateChain and publicKey')
  if (publicKey !== undefined) {
    const { hint } = membersOf(publicKey, ['hint'])
    return { keyHint: hint === undefined ? '' : textOf(hint) }
  }
  if (certificate !== undefined) return { certificate: certificateFrom(certificate) }
  if (x509CertificateChain === undefined) throw new Error('one of the three is given')
  if (holdsOne)
    throw badMember(x509CertificateChain.path, 'is not allowed in version 0.3, which holds one certificate')
  const items = itemsOf(membersOf(x509CertificateChain, ['certificates']).certificates, limits.certificates)
  // Those above the leaf vouch for nothing: authorities come from the trusted root alone.
  const [leaf] = items.map(certificateFrom)
  if (leaf === undefined) throw badMember(x509CertificateChain.path, 'holds no certificate')
  return { certificate: leaf }
}

function certificateFrom(node: JsonNode): Uint8Array {
  return nonEmptyBytes(node, membersOf(node, ['rawBytes']).rawBytes, 'rawBytes', limits.certificateBytes)
}

function timestampsFrom(node: JsonNode | undefined): readonly Uint8Array[] {
  if (node === undefined) return []
  const { rfc3161Timestamps } = membersOf(node, ['rfc3161Timestamps'])
  return itemsOf(rfc3161Timestamps, limits.timestamps).map((item) =>
    nonEmptyBytes(
      item,
      membersOf(item, ['signedTimestamp']).signedTimestamp,
      'signedTimestamp',
      limits.timestampBytes,
    ),
  )
}

function contentFrom(
  node: JsonNode,
  { messageSignature, dsseEnvelope }: Members<'messageSignature' | 'dsseEnvelope'>,
): MessageSignature | Envelope {
  if (messageSignature !== undefined && dsseEnvelope !== undefined)
    throw badMember(node.path, 'holds both messageSignature and dsseEnvelope')
  if (messageSignature !== undefined) return messageFrom(messageSignature)
  if (dsseEnvelope !== undefined) return envelopeFrom(dsseEnvelope)
  throw badMember(node.path, 'holds neither messageSignature nor dsseEnvelope')
}

function messageFrom(node: JsonNode): MessageSignature {
  const members = membersOf(node, ['messageDigest', 'signature'])
  const digestNode = present(members.messageDigest, node, 'messageDigest')
  const digest = membersOf(digestNode, ['algorithm', 'digest'])
  const algorithm = algorithmFrom(present(digest.algorithm, digestNode, 'algorithm'))
  const value = nonEmptyBytes(digestNode, digest.digest, 'digest', 64)
  if (value.length !== digestLengthBytes[algorithm])
    throw badMember(`${digestNode.path}.digest`, `has not the length of a ${algorithm} digest`)
  return {
    type: 'message',
    algorithm,
    digest: value,
    signature: nonEmptyBytes(node, members.signature, 'signature', limits.signatureBytes),
  }
}

/** By name, or by number as proto3 JSON also has it. */
const algorithms: ReadonlyMap<unknown, HashAlgorithm> = new Map<unknown, HashAlgorithm>([
  ['SHA2_256', 'sha256'],
  ['SHA2_384', 'sha384'],
  ['SHA2_512', 'sha512'],
  [1, 'sha256'],
  [2, 'sha384'],
  [3, 'sha512'],
])

function algorithmFrom(node: JsonNode): HashAlgorithm {
  const algorithm = algorithms.get(node.value)
  if (algorithm === undefined)
    throw badMember(node.path, `is no supported algorithm: ${quoted(node.value, 40)}`)
  return algorithm
}

function envelopeFrom(node: JsonNode): Envelope {
  const members = membersOf(node, ['payload', 'payloadType', 'signatures'])
  const signatures = itemsOf(members.signatures, 100)
  const [signature] = signatures
  if (signature === undefined || signatures.length !== 1)
    throw badMember(`${node.path}.signatures`, `must hold one signature, not ${signatures.length}`)
  const { sig, keyid } = membersOf(signature, ['sig', 'keyid'])
  return {
    type: 'envelope',
    payload: nonEmptyBytes(node, members.payload, 'payload', limits.bodyBytes),
    payloadType: textOf(present(members.payloadType, node, 'payloadType')),
    signature: nonEmptyBytes(signature, sig, 'sig', limits.signatureBytes),
    ...(keyid && { keyId: textOf(keyid) }),
  }
}

function entryFrom(node: JsonNode, version: BundleVersion): LogEntry {
  const members = membersOf(node, [
    'logIndex',
    'logId',
    'kindVersion',
    'integratedTime',
    'inclusionPromise',
    'inclusionProof',
    'canonicalizedBody',
  ])
  const logIdNode = present(members.logId, node, 'logId')
  const kindNode = present(members.kindVersion, node, 'kindVersion')
  const kind = membersOf(kindNode, ['kind', 'version'])
  const promise =
    members.inclusionPromise &&
    nonEmptyBytes(
      members.inclusionPromise,
      membersOf(members.inclusionPromise, ['signedEntryTimestamp']).signedEntryTimestamp,
      'signedEntryTimestamp',
      limits.signatureBytes,
    )
  const proof = members.inclusionProof && proofFrom(members.inclusionProof)
  // The members that each version promises (sigstore_bundle.proto).
  if (version === '0.1') present(members.inclusionPromise, node, 'inclusionPromise')
  else {
    const proofNode = present(members.inclusionProof, node, 'inclusionProof')
    if (proof?.checkpoint === undefined) throw badMember(`${proofNode.path}.checkpoint`, 'is missing')
  }
  return {
    logIndex: countFrom(members.logIndex),
    logId: nonEmptyBytes(logIdNode, membersOf(logIdNode, ['keyId']).keyId, 'keyId', 64),
    kind: textOf(present(kind.kind, kindNode, 'kind'), 100),
    version: textOf(present(kind.version, kindNode, 'version'), 100),
    integratedTime: countFrom(members.integratedTime),
    body: nonEmptyBytes(node, members.canonicalizedBody, 'canonicalizedBody', limits.bodyBytes),
    ...(promise && { promise }),
    ...(proof && { proof }),
  }
}

function proofFrom(node: JsonNode): EntryProof {
  const members = membersOf(node, ['logIndex', 'rootHash', 'treeSize', 'hashes', 'checkpoint'])
  const envelope = members.checkpoint && membersOf(members.checkpoint, ['envelope']).envelope
  return {
    logIndex: countFrom(members.logIndex),
    treeSize: countFrom(members.treeSize),
    rootHash: hashFrom(present(members.rootHash, node, 'rootHash')),
    hashes: itemsOf(members.hashes, limits.proofHashes).map(hashFrom),
    ...(envelope && { checkpoint: textOf(envelope, limits.checkpointCharacters) }),
  }
}

function hashFrom(node: JsonNode): Uint8Array {
  const hash = bytesOf(node, 64)
  if (hash.length !== 32) throw badMember(node.path, `must have 32 bytes, not ${hash.length}`)
  return hash
}

/** Proto3 JSON leaves a zero out. */
function countFrom(node: JsonNode | undefined): bigint {
  return node === undefined ? 0n : countOf(node)
}

function nonEmptyBytes(
  parent: JsonNode,
  node: JsonNode | undefined,
  name: string,
  maximum: number,
): Uint8Array {
  const found = present(node, parent, name)
  const bytes = bytesOf(found, maximum)
  if (bytes.length === 0) throw badMember(found.path, 'is empty')
  return bytes
}

function unreadable(complaint: string, cause?: unknown): VerificationError {
  return new VerificationError('bad_bundle', `the bundle cannot be read: ${complaint}`, { cause })
}

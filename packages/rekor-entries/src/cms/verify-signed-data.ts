/** Whether a CMS signature was made by a certificate that it carries. Says nothing about who vouches for that certificate. */
import { createHash } from 'node:crypto'
import {
  derEcdsaSignature,
  derTag,
  equalBytes,
  oidOf,
  type PublicKey,
  readDerChildren,
  readOnlyDer,
} from '@sigstack/crypto'
import { dataOid, type SignedData, type SignerInfo } from '@sigstack/timestamp/cms'
import { certificateExtensions, extensionOid, extensionValue } from '@sigstack/x509'
import { EntryError } from '../errors.ts'
import { type CanonicalKey, certificateKey } from '../keys/canonical-key.ts'
import { pssOptions, verifyWith } from '../keys/verify-with.ts'
import { spendForHashing } from '../work.ts'
import { malformed } from './signed-data.ts'

const hashOfOid: ReadonlyMap<string, string> = new Map([
  ['1.3.14.3.2.26', 'sha1'],
  ['2.16.840.1.101.3.4.2.4', 'sha224'],
  ['2.16.840.1.101.3.4.2.1', 'sha256'],
  ['2.16.840.1.101.3.4.2.2', 'sha384'],
  ['2.16.840.1.101.3.4.2.3', 'sha512'],
])
const contentTypeOid = '1.2.840.113549.1.9.3'
const messageDigestOid = '1.2.840.113549.1.9.4'
const rsaPssOid = '1.2.840.113549.1.1.10'

/**
 * Verifies every signer over the content, which is `external` where the signature is detached, and gives their certificates. Throws
 * `bad_signature` or `bad_format`, or a CryptoError or X509Error for certificates that do not parse.
 */
export async function verifySignedData(
  signedData: SignedData,
  external?: Uint8Array,
): Promise<readonly CanonicalKey[]> {
  const content = signedData.content ?? external
  if (content === undefined) throw malformed('missing content')
  if (external !== undefined && !equalBytes(content, external))
    throw malformed('internal and external content were both provided but are not equal')
  if (signedData.certificates.length === 0) throw malformed('certificate missing from signedData')
  if (signedData.signers.length === 0) throw malformed('signer missing from signedData')
  const keys = signersOf(signedData)
  for (const [i, signer] of signedData.signers.entries())
    await verifySigner(signer, keys[i], signedData.contentType, content)
  return keys
}

/**
 * The certificate of each signer, in their order: the one that the signer names (RFC 5652 section 5.3), wherever it stands. The
 * only way from a signature to its certificate, when it is verified and when it is read again.
 */
export function signersOf({ signers, certificates }: SignedData): readonly CanonicalKey[] {
  return signers.map((signer) => {
    const certificate = certificates.find((candidate) => isOf(candidate, signer))
    if (certificate === undefined) throw malformed('certificate missing from signedData')
    return certificateKey(certificate)
  })
}

async function verifySigner(
  signer: SignerInfo,
  certified: CanonicalKey | undefined,
  contentType: string,
  content: Uint8Array,
): Promise<void> {
  const hash = hashOfOid.get(signer.digestAlgorithm)
  if (hash === undefined) throw malformed(`unsupported digest algorithm ${signer.digestAlgorithm}`)
  if (signer.signedAttributes !== undefined) {
    spendForHashing(content)
    assertAttributes(signer.signedAttributes, contentType, digestOf(hash, content))
  } else if (contentType !== dataOid) {
    // RFC 5652 section 5.3. Otherwise attributes that were signed beside something else could stand here as the content.
    throw malformed('signed attributes are missing')
  }
  const key = certified?.publicKey
  // RFC 5652 section 5.4: with attributes, these are what is signed, and they commit to the content.
  if (key === undefined || !(await isSignedBy(key, hash, signer.signedAttributes ?? content, signer)))
    throw new EntryError('bad_signature', 'pkcs7: verification error')
}

/** RFC 5652 sections 5.3 and 11: digest and type must be there, once, and of this content; else they may be of another. */
function assertAttributes(attributes: Uint8Array, contentType: string, digest: Uint8Array): void {
  let hasDigest = false
  let hasType = false
  for (const attribute of readDerChildren(readOnlyDer(attributes, derTag.set).content)) {
    const [type, values] = readDerChildren(attribute.content)
    if (type?.tag !== derTag.oid || values?.tag !== derTag.set) throw malformed('a broken signed attribute')
    const oid = oidOf(type.content)
    if (oid === messageDigestOid) {
      const value = readOnlyDer(values.content, derTag.octetString).content
      if (hasDigest) throw malformed('several message digests')
      if (!equalBytes(value, digest)) throw malformed('content digest does not match')
      hasDigest = true
    } else if (oid === contentTypeOid) {
      const value = oidOf(readOnlyDer(values.content, derTag.oid).content)
      if (hasType) throw malformed('several signed content types')
      if (value !== contentType) throw malformed('the signed content type is another')
      hasType = true
    }
  }
  if (!hasDigest) throw malformed('the message digest is missing')
  if (!hasType) throw malformed('the signed content type is missing')
}

function isOf(certificate: Uint8Array, { signer }: SignerInfo): boolean {
  if ('keyIdentifier' in signer) {
    const extensions = certificateExtensions(certificate)
    const value = extensionValue({ extensions }, extensionOid.subjectKeyIdentifier)
    return value !== undefined && equalBytes(readOnlyDer(value).content, signer.keyIdentifier)
  }
  const [tbs] = readDerChildren(readOnlyDer(certificate, derTag.sequence).content)
  const members = tbs === undefined ? [] : readDerChildren(tbs.content)
  // RFC 5280 section 4.1: an optional version, then serial number, signature algorithm and issuer.
  const [serialNumber, , issuer] = members[0]?.tag === 0xa0 ? members.slice(1) : members
  return (
    serialNumber !== undefined &&
    issuer !== undefined &&
    equalBytes(serialNumber.content, signer.serialNumber) &&
    equalBytes(issuer.whole, signer.issuer)
  )
}

/** By the kind of the key: some authorities name the key's algorithm where the signature's belongs. */
async function isSignedBy(
  key: PublicKey,
  hash: string,
  message: Uint8Array,
  signer: SignerInfo,
): Promise<boolean> {
  const signature = key.type === 'ecdsa' ? derEcdsaSignature(signer.signature) : signer.signature
  if (signature === undefined) return false
  const options =
    key.type === 'rsa' && signer.signatureAlgorithm === rsaPssOid ? pssOptions(key, 'any') : { key }
  return verifyWith(key.type === 'ed25519' ? undefined : hash, message, options, signature)
}

function digestOf(hash: string, content: Uint8Array): Uint8Array {
  return createHash(hash).update(content).digest()
}

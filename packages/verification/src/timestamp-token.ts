/** The token of an RFC 3161 response, of the form that the standards give it in every part. Nothing of it is verified yet. */
import { X509Certificate } from 'node:crypto'
import { derTag, equalBytes, type HashAlgorithm, readOnlyDer } from '@sigstack/crypto'
import {
  assertResponseForm,
  assertTstInfoForm,
  hashOf,
  parseSignedData,
  parseTimestampResponse,
  parseTstInfo,
  type SignedData,
  tstInfoOid,
} from '@sigstack/timestamp/cms'
import { type Certificate, extensionOid, extensionValue, parseCertificate } from '@sigstack/x509'
import { notVerified } from './errors.ts'

export type StampToken = {
  readonly signedData: SignedData
  /** DER Name and content of the serial number of the certificate that signed. */
  readonly signer: { readonly issuer: Uint8Array; readonly serialNumber: Uint8Array }
  /** DER SET OF Attribute. */
  readonly signedAttributes: Uint8Array
  /** Those that came with it, in their order. */
  readonly certificates: readonly Certificate[]
  readonly time: Date
  /** Of the imprint. */
  readonly algorithm: HashAlgorithm
  readonly imprint: Uint8Array
  /** DER GeneralName, where the token says who stamped. */
  readonly authority?: Uint8Array
}

/** Of a GeneralName that is a DER Name. */
const directoryName = 0xa4

/** Throws a VerificationError, a TimestampError, or an error of what cannot be read. */
export function readToken(response: Uint8Array): StampToken {
  const { status, token } = parseTimestampResponse(response)
  // One that was granted with changes is not what was asked for.
  if (status !== 0) throw notVerified('a timestamp was not granted')
  if (token === undefined) throw notVerified('a timestamp has no token')
  const signedData = parseSignedData(token)
  if (signedData.contentType !== tstInfoOid) throw notVerified('a timestamp holds something else than a time')
  const [signerInfo, second] = signedData.signers
  if (signerInfo === undefined || second !== undefined) throw notVerified('a timestamp must have one signer')
  const { signer, signedAttributes, digestAlgorithm } = signerInfo
  if (signedAttributes === undefined) throw notVerified('a timestamp has no signed attributes')
  if (hashOf(digestAlgorithm) === undefined) throw notVerified('a timestamp is signed over a weak hash')
  // RFC 3161 leaves the key identifier open, but no authority of Sigstore's and no other client knows it.
  if ('keyIdentifier' in signer)
    throw notVerified('a timestamp must name its certificate by issuer and serial number')
  if (!signedData.digestAlgorithms.includes(digestAlgorithm))
    throw notVerified('a timestamp is signed over another hash than it says')
  assertResponseForm(response)
  return {
    signedData,
    signer,
    signedAttributes,
    certificates: signedData.certificates.map(readCertificate),
    ...infoIn(signedData),
  }
}

/** RFC 3161 section 2.4.2: where a token says who stamped, that must be a name of the certificate. */
export function namesAuthority({ authority }: StampToken, leaf: Certificate): boolean {
  if (authority === undefined) return true
  const { tag, content } = readOnlyDer(authority)
  if (tag === directoryName && equalBytes(content, leaf.subject)) return true
  const names = extensionValue(leaf, extensionOid.subjectAlternativeName)
  return (
    names !== undefined &&
    readOnlyDer(names, derTag.sequence)
      .children(1000)
      .some(({ whole }) => equalBytes(whole, authority))
  )
}

type Info = Pick<StampToken, 'time' | 'algorithm' | 'imprint' | 'authority'>

function infoIn({ content }: SignedData): Info {
  if (content === undefined) throw notVerified('a timestamp is empty')
  const { version, hashAlgorithm = '', imprint, time } = parseTstInfo(content)
  if (version !== 1) throw notVerified('a timestamp is of a version that is not known')
  const algorithm = hashOf(hashAlgorithm)
  if (algorithm === undefined || imprint === undefined)
    throw notVerified('a timestamp is of a hash that does not count')
  if (time === undefined) throw notVerified('a timestamp holds no time')
  return { time, algorithm, imprint, ...assertTstInfoForm(content) }
}

/** OpenSSL reads it too, down to its names, of which ours reads the outline. */
function readCertificate(der: Uint8Array): Certificate {
  try {
    new X509Certificate(der)
    return parseCertificate(der)
  } catch (cause) {
    throw notVerified('a timestamp brings a certificate that cannot be read', { cause })
  }
}

/**
 * Certificate signing requests (RFC 2986), as proof of possession of a key. Nothing but the key counts: subject and
 * attributes are stepped over undecoded, so that a non-ASCII e-mail address in them does no harm.
 */
import {
  derTag,
  type HashAlgorithm,
  oidOf,
  type PublicKey,
  parsePemBlock,
  parsePublicKey,
  quoted,
  readDerChildren,
  readOnlyDer,
} from '@sigstack/crypto'
import { X509Error } from './errors.ts'
import { verifyX509Signature } from './signature.ts'
import { schemeOf } from './signature-algorithm.ts'

export type CertificateRequest = {
  readonly publicKey: PublicKey
  /** As Go prints it, for refusals: `ECDSA-SHA256`; an unknown one as its dotted OID. */
  readonly signatureAlgorithm: string
  /** Whether the algorithm is ECDSA, RSA PKCS#1 v1.5 with SHA-2, or Ed25519: the ones that can be verified here. */
  readonly isSupported: boolean
  /** Of the signature; absent for Ed25519 and for algorithms that are not supported. */
  readonly hash?: HashAlgorithm
  /** Whether the request is signed with its own key. */
  verifySelfSignature(): Promise<boolean>
}

const maximumBytes = 64 * 1024
const pemTypes = ['CERTIFICATE REQUEST', 'NEW CERTIFICATE REQUEST']

/** Names that occur in refusals only. */
const refusedNames: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.1.4': 'MD5-RSA',
  '1.2.840.113549.1.1.5': 'SHA1-RSA',
  '1.2.840.113549.1.1.10': 'RSAPSS',
  '1.2.840.10045.4.1': 'ECDSA-SHA1',
}

/** Text is PEM and bytes are DER; neither is taken for the other. */
export function parseCertificateRequest(request: string | Uint8Array): CertificateRequest {
  const der = typeof request === 'string' ? derOfPem(request) : request
  if (der.length > maximumBytes)
    throw new X509Error('bad_certificate_request', `a certificate request may have ${maximumBytes} bytes`)
  const [info, algorithm, signature, surplus] = readDerChildren(readOnlyDer(der, derTag.sequence).content, 4)
  if (
    info?.tag !== derTag.sequence ||
    algorithm?.tag !== derTag.sequence ||
    signature?.tag !== derTag.bitString ||
    signature.content[0] !== 0 ||
    surplus !== undefined
  )
    throw malformed()
  const [version, subject, spki] = readDerChildren(info.content, 4)
  const [algorithmId] = readDerChildren(algorithm.content, 2)
  if (
    version?.tag !== derTag.integer ||
    subject?.tag !== derTag.sequence ||
    spki?.tag !== derTag.sequence ||
    algorithmId?.tag !== derTag.oid
  )
    throw malformed()
  const publicKey = parsePublicKey(spki.whole)
  const signatureAlgorithmOid = oidOf(algorithmId.content)
  const scheme = schemeOf(signatureAlgorithmOid)
  const proof = { signatureAlgorithmOid, signature: signature.content.subarray(1) }
  return {
    publicKey,
    signatureAlgorithm: scheme?.name ?? refusedNames[signatureAlgorithmOid] ?? signatureAlgorithmOid,
    isSupported: scheme !== undefined,
    ...(scheme?.hash !== undefined && { hash: scheme.hash }),
    verifySelfSignature: () => verifyX509Signature(info.whole, proof, publicKey),
  }
}

function derOfPem(text: string): Uint8Array {
  const { block } = parsePemBlock(text)
  if (!pemTypes.includes(block.type))
    throw new X509Error(
      'bad_certificate_request',
      `a PEM block CERTIFICATE REQUEST is expected, not ${quoted(block.type)}`,
    )
  return block.der
}

function malformed(): X509Error {
  return new X509Error('bad_certificate_request', 'the bytes are not a PKCS#10 certificate request')
}

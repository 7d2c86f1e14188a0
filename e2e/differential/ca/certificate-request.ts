/** Certificate signing requests as clients make them, and as none should. */
import { constants, type KeyObject, sign } from 'node:crypto'
import { der, derOid, derTag, encodePem, utf8 } from '@sigstack/crypto'

const algorithms = {
  'ecdsa-sha1': { oid: '1.2.840.10045.4.1', hash: 'sha1', parameters: [] },
  'ecdsa-sha256': { oid: '1.2.840.10045.4.3.2', hash: 'sha256', parameters: [] },
  'ecdsa-sha384': { oid: '1.2.840.10045.4.3.3', hash: 'sha384', parameters: [] },
  'ecdsa-sha512': { oid: '1.2.840.10045.4.3.4', hash: 'sha512', parameters: [] },
  'rsa-sha256': { oid: '1.2.840.113549.1.1.11', hash: 'sha256', parameters: [5, 0] },
  'rsa-sha512': { oid: '1.2.840.113549.1.1.13', hash: 'sha512', parameters: [5, 0] },
  'rsa-pss': { oid: '1.2.840.113549.1.1.10', hash: 'sha256', parameters: pssParameters() },
  'rsa-pss without parameters': { oid: '1.2.840.113549.1.1.10', hash: 'sha256', parameters: [] },
  ed25519: { oid: '1.3.101.112', hash: null, parameters: [] },
} as const

/** RSASSA-PSS-params of RFC 4055 for SHA-256 and a salt of as many octets. */
function pssParameters(): Uint8Array {
  const sha256 = der(derTag.sequence, derOid('2.16.840.1.101.3.4.2.1'), Uint8Array.of(5, 0))
  return der(
    derTag.sequence,
    der(0xa0, sha256),
    der(0xa1, der(derTag.sequence, derOid('1.2.840.113549.1.1.8'), sha256)),
    der(0xa2, Uint8Array.of(2, 1, 32)),
  )
}

export type RequestAlgorithm = keyof typeof algorithms

export type RequestForm = {
  readonly algorithm?: RequestAlgorithm
  /** As a UTF8String, the way sigstore-rs writes it. */
  readonly emailAddress?: string
  readonly pemType?: string
  readonly breakSignature?: boolean
}

export function encodeCertificateRequest(
  key: { readonly spki: Uint8Array; readonly privateKey: KeyObject },
  form: RequestForm = {},
): string {
  const { oid, hash, parameters } = algorithms[form.algorithm ?? 'ecdsa-sha256']
  const name =
    form.emailAddress === undefined
      ? der(derTag.sequence)
      : der(
          derTag.sequence,
          der(
            derTag.set,
            der(
              derTag.sequence,
              derOid('1.2.840.113549.1.9.1'),
              der(derTag.utf8String, utf8(form.emailAddress)),
            ),
          ),
        )
  const information = der(derTag.sequence, Uint8Array.of(2, 1, 0), name, key.spki, der(0xa0))
  const padding = form.algorithm?.startsWith('rsa-pss')
    ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }
    : {}
  const signature = sign(hash, information, { key: key.privateKey, ...padding })
  if (form.breakSignature === true) signature[signature.length - 1] = (signature.at(-1) ?? 0) ^ 1
  const identifier = der(derTag.sequence, derOid(oid), Uint8Array.from(parameters))
  return encodePem(
    form.pemType ?? 'CERTIFICATE REQUEST',
    der(derTag.sequence, information, identifier, der(derTag.bitString, Uint8Array.of(0), signature)),
  )
}

/** What a request says (RFC 3161 section 2.4.1), and its writer: for those who ask, without the library that reads. */
import { der, derOid, derTag, type HashAlgorithm } from '@sigstack/crypto'
import { hashOid } from './oids.ts'

export type TimestampRequest = {
  readonly hash: HashAlgorithm
  /** The digest that is stamped, as long as those of `hash` are. */
  readonly imprint: Uint8Array
  /** Dotted; left out where any policy will do. */
  readonly policy?: string
  /** Content octets of the INTEGER, of any length and sign. */
  readonly nonce?: Uint8Array
  /** Whether the token is to bring the certificate that signed it. */
  readonly certificates: boolean
  readonly hasExtensions: boolean
}

/** The request as every authority understands it. */
export function encodeTimestampRequest(
  request: Pick<TimestampRequest, 'hash' | 'imprint' | 'policy' | 'nonce'> & {
    readonly certificates?: boolean
  },
): Uint8Array {
  const { policy, nonce, certificates } = request
  return der(
    derTag.sequence,
    der(derTag.integer, Uint8Array.of(1)),
    encodeImprint(request),
    ...(policy === undefined ? [] : [derOid(policy)]),
    ...(nonce === undefined ? [] : [der(derTag.integer, nonce)]),
    ...(certificates === true ? [der(derTag.boolean, Uint8Array.of(0xff))] : []),
  )
}

const algorithmOf = (hash: HashAlgorithm) => der(derTag.sequence, derOid(hashOid[hash]), der(derTag.null))
const algorithms: Readonly<Record<HashAlgorithm, Uint8Array>> = {
  sha256: algorithmOf('sha256'),
  sha384: algorithmOf('sha384'),
  sha512: algorithmOf('sha512'),
}

/** MessageImprint, its algorithm with a NULL as everybody writes it. */
export function encodeImprint({ hash, imprint }: Pick<TimestampRequest, 'hash' | 'imprint'>): Uint8Array {
  return der(derTag.sequence, algorithms[hash], der(derTag.octetString, imprint))
}

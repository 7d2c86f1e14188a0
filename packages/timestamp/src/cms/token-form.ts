/**
 * The form of a response that is to be verified, in every part (RFC 3161 section 2.4.2, RFC 5652 section 5). What is signed is
 * the content of a token and not what stands around it, so this alone tells that nobody has changed the rest.
 */
import { derTag } from '@sigstack/crypto'
import { type Element, readElement } from './element.ts'
import { algorithmForm, type Form, integerForm, listForm, malformed, optional, partsForm } from './form.ts'

const context0 = 0xa0
const context1 = 0xa1
const primitiveContext0 = 0x80
const primitiveContext1 = 0x81
const generalizedTimeTag = 0x18
const { sequence, set, integer, oid, octetString, boolean, bitString, utf8String } = derTag

const anyValues: Form = (element) => {
  if (element.children().length === 0) throw malformed('an attribute has no value')
}
const attributes = listForm(sequence, partsForm(['a type', oid], ['values', set, anyValues]), { min: 1 })

const signerInfo = partsForm(
  ['a version', integer, integerForm],
  [
    'the certificate that signed',
    sequence,
    partsForm(['its issuer', sequence], ['its serial number', integer, integerForm]),
  ],
  ['a digest algorithm', sequence, algorithmForm],
  ['the signed attributes', context0, attributes],
  ['a signature algorithm', sequence, algorithmForm],
  ['a signature', octetString],
  optional('unsigned attributes', context1, attributes),
)

/** TBSCertList (RFC 5280 section 5.1): its version has no tag around it, by which it differs from a certificate. */
const revoked: Form = (element) => {
  const [first, second] = element.children(1000)
  const algorithm = first?.tag === integer ? second : first
  if (algorithm?.tag !== sequence) throw malformed('a revocation list is none')
  algorithmForm(algorithm)
}
const revocationList = partsForm(
  ['a list', sequence, revoked],
  ['an algorithm', sequence, algorithmForm],
  ['a signature', bitString],
)

const signedData = partsForm(
  ['a version', integer, integerForm],
  ['digest algorithms', set, listForm(sequence, algorithmForm)],
  [
    'the content',
    sequence,
    partsForm(['its type', oid], ['its bytes', context0, partsForm(['a TSTInfo', octetString])]),
  ],
  optional('certificates', context0, listForm(sequence)),
  optional('revocation lists', context1, listForm(sequence, revocationList)),
  ['signers', set, listForm(sequence, signerInfo)],
)

const response = partsForm(
  [
    'a status',
    sequence,
    partsForm(
      ['a status', integer, integerForm],
      optional('words', sequence, listForm(utf8String, undefined, { min: 1 })),
      optional('failures', bitString),
    ),
  ],
  [
    'a token',
    sequence,
    partsForm(['a type', oid], ['signed data', context0, partsForm(['signed data', sequence, signedData])]),
  ],
)

const accuracy = partsForm(
  optional('seconds', integer, integerForm),
  optional('milliseconds', primitiveContext0, integerForm),
  optional('microseconds', primitiveContext1, integerForm),
)

const booleanForm: Form = ({ content: [byte], content }) => {
  if (content.length !== 1 || (byte !== 0 && byte !== 0xff)) throw malformed('a BOOLEAN is no DER')
}

/** No extension of a TSTInfo is known here, and one that is critical says that it must be (RFC 3161 section 2.4.2). */
const extension = partsForm(
  ['a name', oid],
  optional('critical', boolean, (element) => {
    booleanForm(element)
    if (element.content[0] !== 0) throw malformed('it has a critical extension that is not known')
  }),
  ['a value', octetString],
)

const tstInfo = partsForm(
  ['a version', integer, integerForm],
  ['a policy', oid],
  ['an imprint', sequence, partsForm(['a hash', sequence, algorithmForm], ['a digest', octetString])],
  ['a serial number', integer, integerForm],
  ['a time', generalizedTimeTag],
  optional('an accuracy', sequence, accuracy),
  optional('ordering', boolean, booleanForm),
  optional('a nonce', integer, integerForm),
  optional('an authority', context0, (element) => void authorityIn(element)),
  optional('extensions', context1, listForm(sequence, extension, { min: 1 })),
)

/** Throws a TimestampError with `malformed`, or a CryptoError for what is no DER. */
export function assertResponseForm(bytes: Uint8Array): void {
  response(readElement(bytes, sequence))
}

/** Of the content of a token; gives the DER GeneralName of its authority, where it names one. Throws as the other does. */
export function assertTstInfoForm(content: Uint8Array): { readonly authority?: Uint8Array } {
  const element = readElement(content, sequence)
  tstInfo(element)
  const tsa = element.children().find(({ tag }) => tag === context0)
  return tsa === undefined ? {} : { authority: authorityIn(tsa).whole }
}

/** GeneralName is a choice, so its tag stands within that of the field. */
function authorityIn(element: Element): Element {
  const [name, surplus] = element.children(2)
  if (name === undefined || surplus !== undefined || (name.tag & 0xc0) !== 0x80)
    throw malformed('its authority has no name')
  return name
}

/** Predicate types by the short names of cosign's `--type`. */
import { quoted } from '@sigstack/crypto'
import { SigningError } from '../errors.ts'

export const imageSignaturePredicateType = 'https://sigstore.dev/cosign/sign/v1'

const uriOf: Readonly<Record<string, string>> = {
  custom: 'https://cosign.sigstore.dev/attestation/v1',
  slsaprovenance: 'https://slsa.dev/provenance/v0.2',
  slsaprovenance02: 'https://slsa.dev/provenance/v0.2',
  slsaprovenance1: 'https://slsa.dev/provenance/v1',
  link: 'https://in-toto.io/Link/v1',
  spdx: 'https://spdx.dev/Document',
  spdxjson: 'https://spdx.dev/Document',
  cyclonedx: 'https://cyclonedx.org/bom',
  vuln: 'https://cosign.sigstore.dev/attestation/vuln/v1',
  openvex: 'https://openvex.dev/ns',
}

export const predicateTypeNames: readonly string[] = Object.keys(uriOf)

/** The URI of a short name; a URI is itself. Throws `bad_statement` for any other word. */
export function predicateTypeUri(type: string): string {
  const uri = Object.hasOwn(uriOf, type) ? uriOf[type] : undefined
  if (uri !== undefined) return uri
  if (type.length <= 2048 && URL.canParse(type)) return type
  throw new SigningError('bad_statement', `invalid predicate type: ${quoted(type)}`, {
    advice: `It is a URI, or one of ${predicateTypeNames.join(', ')}.`,
  })
}

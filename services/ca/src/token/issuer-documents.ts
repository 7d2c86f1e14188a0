/** What an identity provider publishes, as the OIDC proxy hands it on: its discovery document and its key set. */
import { isObject, parseBoundedJson, quoted } from '@sigstack/crypto'
import { type IssuanceError, refuseToken } from '../refusals.ts'
import { acceptedAlgorithms, type IssuerKey, parseKeySet } from './key-set.ts'

/** The algorithms that the issuer announces, of those that are ever accepted. Throws an IssuanceError, here and below. */
export function parseDiscovery(issuerUrl: string, text: string): readonly string[] {
  const document = parseObject(issuerUrl, text, 'discovery document')
  // The proxy checks it too; but whose keys these are is too important for one check.
  if (document['issuer'] !== issuerUrl)
    throw refuseToken(
      'issuer_mismatch',
      `iss is ${quoted(issuerUrl)} but its discovery document says ${quoted(document['issuer'] ?? null)}`,
    )
  const announced = document['id_token_signing_alg_values_supported']
  const accepted = Array.isArray(announced)
    ? acceptedAlgorithms.filter((algorithm) => announced.includes(algorithm))
    : []
  return accepted.length > 0 ? accepted : ['RS256']
}

export function parseIssuerKeys(issuerUrl: string, text: string): readonly IssuerKey[] {
  const keys = parseKeySet(parseObject(issuerUrl, text, 'key set'))
  if (keys === undefined) throw invalid(issuerUrl, 'key set')
  return keys
}

function parseObject(issuerUrl: string, text: string, what: string): Readonly<Record<string, unknown>> {
  let value: unknown
  try {
    value = parseBoundedJson(text)
  } catch (cause) {
    throw invalid(issuerUrl, what, cause)
  }
  if (!isObject(value)) throw invalid(issuerUrl, what)
  return value
}

function invalid(issuerUrl: string, what: string, cause?: unknown): IssuanceError {
  return refuseToken('issuer_unavailable', `the ${what} of ${quoted(issuerUrl)} is not valid`, {
    cause,
  })
}

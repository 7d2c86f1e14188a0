/** Settings that list names. */
import { isSignatureAlgorithm, quoted, type SignatureAlgorithm, signatureAlgorithms } from '@sigstack/crypto'
import { listOf, SettingsError } from '@sigstack/server'

/** Throws one error that names the variable. */
export function listedNames<T extends string>(
  variable: string,
  value: string,
  isOne: (text: string) => text is T,
  all: readonly string[],
): readonly T[] {
  return listOf(value).map((text) => {
    if (isOne(text)) return text
    throw new SettingsError([`${variable}: ${quoted(text, 80)} is none of ${all.join(', ')}`])
  })
}

/** Of LOG_CLIENT_SIGNING_ALGORITHMS. */
export function listedAlgorithms(value: string): readonly SignatureAlgorithm[] {
  const all = Object.keys(signatureAlgorithms)
  return listedNames('LOG_CLIENT_SIGNING_ALGORITHMS', value, isSignatureAlgorithm, all)
}

/** What the CA wrote of a job into its certificate, beside who it is: extensions below Fulcio's arc. */
import { derTag, parseUtf8, quoted, readOnlyDer } from '@sigstack/crypto'
import { matchesGlob } from '@sigstack/policy'
import { type Certificate, extensionValue, fulcioArc } from '@sigstack/x509'
import { notVerified } from './errors.ts'

export const claimNumbers = {
  workflowTrigger: 2,
  workflowSha: 3,
  workflowName: 4,
  workflowRepository: 5,
  workflowRef: 6,
  buildSigner: 9,
  sourceRepository: 12,
  sourceRepositoryRef: 14,
} as const

export type ClaimCondition = {
  /** In words. */
  readonly name: string
  readonly number: (typeof claimNumbers)[keyof typeof claimNumbers]
} & (
  | { /** Compared as a whole. */ readonly value: string }
  | { /** `*` for what has no `/` in it, `**` for anything. */ readonly glob: string }
)

/** Throws `not_verified` that says what was wanted and what was found. */
export function demandClaims(claims: readonly ClaimCondition[], certificate: Certificate): void {
  for (const claim of claims) {
    const found = claimIn(certificate, claim.number)
    if (found !== undefined && acceptsClaim(claim, found)) continue
    const said = found === undefined ? 'none' : quoted(found)
    throw notVerified(
      'value' in claim
        ? `the certificate's ${claim.name} is ${said}, expected ${quoted(claim.value)}`
        : `the certificate's ${claim.name} is ${said}, which the pattern ${quoted(claim.glob)} does not match`,
    )
  }
}

export function acceptsClaim(claim: ClaimCondition, found: string): boolean {
  return 'value' in claim ? claim.value === found : matchesGlob(claim.glob, found)
}

/** The first kinds hold bare text, the later ones a UTF8String. */
function claimIn(certificate: Certificate, number: ClaimCondition['number']): string | undefined {
  const extension = extensionValue(certificate, `${fulcioArc}.${number}`)
  if (extension === undefined || number <= 6) return extension && parseUtf8(extension)
  return parseUtf8(readOnlyDer(extension, derTag.utf8String).content)
}

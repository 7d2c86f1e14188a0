/** What is said, and with which exit status, where no signature of an image holds. */

import { reasonOf } from '@sigstack/crypto'
import { isNotFound } from '@sigstack/oci'
import { CliError } from '../errors.ts'
import type { Findings } from './verify-attached.ts'

/** As cosign has them. */
export const statuses = { noSignatures: 10, noTag: 11, noneMatches: 12, noCertificate: 13 } as const

export async function demandTag<Image>(finding: Promise<Image>): Promise<Image> {
  try {
    return await finding
  } catch (cause) {
    if (!isNotFound(cause)) throw cause
    throw new CliError('not_verified', `image tag not found: ${reasonOf(cause)}`, {
      cause,
      status: statuses.noTag,
    })
  }
}

/**
 * Throws unless something holds. `what` is what was looked for, in the plural; `image` is named where there are several.
 */
export function demandVerified(
  { verified, refusals, withoutCertificate }: Findings,
  what: 'signatures' | 'attestations',
  image: string | undefined,
): void {
  if (verified.length > 0) return
  const named = image === undefined ? '' : `${image}: `
  if (refusals.length === 0)
    throw new CliError('not_verified', `${named}no ${what} found`, { status: statuses.noSignatures })
  if (withoutCertificate)
    throw new CliError('not_verified', `${named}no certificate found on signature`, {
      status: statuses.noCertificate,
      reasons: refusals,
      advice: 'What was signed with a key is verified with --key.',
    })
  throw new CliError('not_verified', `${named}no matching ${what}`, {
    status: statuses.noneMatches,
    reasons: refusals,
  })
}

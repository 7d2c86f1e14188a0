/** A proposal's text becomes an outcome, which can go from one thread to another and be made an entry or an error again. */
import { parseBoundedJson } from '@sigstack/crypto'
import {
  EntryError,
  type EntryPolicy,
  type VerifiedEntry,
  verifyProposal,
  verifyRequest,
} from '@sigstack/rekor-entries'
import type { Outcome, TextPolicy } from './messages.ts'

export async function verifyText(text: string, policy: TextPolicy): Promise<Outcome> {
  const { v2 } = policy
  if (v2 !== undefined) return outcomeOf(verifyRequest(text, { ...policy, ...v2 }))
  let proposal: unknown
  try {
    proposal = parseBoundedJson(text)
  } catch {
    return { badJson: true }
  }
  return verifyParsed(proposal, policy)
}

export function verifyParsed(proposal: unknown, policy: EntryPolicy): Promise<Outcome> {
  return outcomeOf(verifyProposal(proposal, policy))
}

async function outcomeOf(verified: Promise<VerifiedEntry>): Promise<Outcome> {
  try {
    return { value: await verified }
  } catch (error) {
    if (!(error instanceof EntryError)) throw error
    const { code, message, schemaFault } = error
    return { refusal: { code, message, ...(schemaFault !== undefined && { schemaFault }) } }
  }
}

/** `undefined` for what is not JSON; throws the EntryError that it was. */
export function entryOf(outcome: Outcome): VerifiedEntry | undefined {
  if ('value' in outcome) return outcome.value
  if ('badJson' in outcome) return undefined
  const { code, message, schemaFault } = outcome.refusal
  throw new EntryError(code, message, schemaFault === undefined ? {} : { schemaFault })
}

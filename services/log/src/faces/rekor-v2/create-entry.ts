/** The one thing that a client asks of Rekor v2, whichever way it comes: verified, admitted, logged, proven. */
import { networkOf } from '@sigstack/limits'
import { leafHash } from '@sigstack/merkle'
import { encodeSearchKeys } from '@sigstack/rekor-log'
import type { RekorV2Dependencies, RekorV2Log } from './dependencies.ts'
import { RekorV2Refusal } from './errors.ts'
import type { ProvenEntry } from './transparency-log-entry.ts'

export type Sent = {
  /** Of the request, in protobuf JSON. */
  readonly text: string
  readonly address: string
  /** Where senders must be known. */
  readonly sender: string | undefined
}

export type Created = { readonly proven: ProvenEntry; readonly isConflict: boolean }

/** Throws refusals, and the errors of entries, of the gate and of the engine. */
export async function createEntry(
  face: RekorV2Dependencies,
  { log }: RekorV2Log,
  { text, address, sender }: Sent,
): Promise<Created> {
  const { gate, duplicates = 'existing', entryLimitBytes } = face
  const verified = await face.verifyText(text, networkOf(address))
  const { body } = verified
  if (body.length > entryLimitBytes)
    throw new RekorV2Refusal(400, 'invalidArgument', 'invalid entry', {
      cause: new Error(`the entry has ${body.length} bytes, and this log takes at most ${entryLimitBytes}`),
    })
  const identity = leafHash(body)
  const isNew = async () => (await log.findByIdentity(identity)) === undefined
  // Of signatures the gate remembers what it has counted; this log is asked for whole entries alone.
  await gate?.admitEntry(verified, address, { isNew, hasSignature: async () => false }, sender)
  const extra = encodeSearchKeys(verified)
  const encoded = { leaf: body, leafHash: identity, ...(extra !== undefined && { extra }) }
  const proven = await log.append({
    identity,
    sizeBytes: body.length + (extra?.length ?? 0),
    encode: () => encoded,
  })
  return { proven, isConflict: proven.duplicate && duplicates === 'conflict' }
}

/** What an entry that is there already is, where that is a conflict; its index is told beside it, as `x-log-index`. */
export function conflictOf(leafIndex: bigint): RekorV2Refusal {
  const message = `an equivalent entry already exists in the transparency log with index ${leafIndex}`
  return new RekorV2Refusal(409, 'alreadyExists', message)
}

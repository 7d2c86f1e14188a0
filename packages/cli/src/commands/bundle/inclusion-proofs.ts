/** Entries as version 0.3 wants them: with the proof that the log gives today. */
import { equalBytes } from '@sigstack/crypto'
import { requestBounded } from '@sigstack/http-client'
import { findEntry } from '@sigstack/signing'
import type { Bundle, LogEntry } from '@sigstack/verification'
import { dataFolder, readEndpoints } from '../../endpoints.ts'
import { CliError } from '../../errors.ts'
import type { Io } from '../../io.ts'

export type LogOptions = { readonly rekorUrl?: string; readonly data?: string }

/** Asks the log only for those that lack one; where none does, nobody is asked. */
export async function withProofs(io: Io, bundle: Bundle, options: LogOptions): Promise<Bundle> {
  const entries = await Promise.all(bundle.entries.map((entry) => withProof(io, entry, options)))
  return { ...bundle, entries }
}

async function withProof(io: Io, entry: LogEntry, options: LogOptions): Promise<LogEntry> {
  if (entry.proof?.checkpoint !== undefined) return entry
  const found = await findAgain(io, entry, options)
  // The promise of before stays: it is what the time was signed with.
  return { ...found, ...(entry.promise && { promise: entry.promise }), integratedTime: entry.integratedTime }
}

/** The same entry as the log (Rekor v1) shows it today. Throws `bad_bundle` where it shows another one. */
export async function findAgain(io: Io, entry: LogEntry, options: LogOptions): Promise<LogEntry> {
  const url = await logUrl(io, options)
  const found = await findEntry(url, entry.logIndex, requestBounded)
  if (!equalBytes(found.logId, entry.logId) || !equalBytes(found.body, entry.body))
    throw new CliError('bad_bundle', `${url} holds another entry at index ${entry.logIndex}`, {
      advice: 'Name the log that the bundle is from with --rekor-url.',
    })
  return found
}

export async function logUrl(io: Io, options: LogOptions): Promise<string> {
  const url = options.rekorUrl ?? (await readEndpoints(dataFolder(io, options.data))).services['rekor']
  if (url === undefined) throw new CliError('bad_usage', 'please name the log with --rekor-url')
  return url
}

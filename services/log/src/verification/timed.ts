/** Measures a verification, and counts the work that is refused. */
import type { VerifiedEntry } from '@sigstack/rekor-entries'
import type { LogMetrics } from '../metrics.ts'
import { type WorkRefusal, workRefusalOf } from './refusal.ts'

/** `kind` is that of the entry, or `refused`. */
export async function timed<T extends VerifiedEntry | undefined>(
  verification: Promise<T>,
  metrics: Pick<LogMetrics, 'verified'> & { workRefused(reason: WorkRefusal): void },
): Promise<T> {
  const began = performance.now()
  let kind = 'refused'
  try {
    const entry = await verification
    kind = entry?.kind ?? kind
    return entry
  } catch (error) {
    const reason = workRefusalOf(error)
    if (reason !== undefined) metrics.workRefused(reason)
    throw error
  } finally {
    metrics.verified(kind, (performance.now() - began) / 1000)
  }
}

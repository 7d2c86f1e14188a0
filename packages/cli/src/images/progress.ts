/** What of an image went where, told while it goes. */
import type { CopyStep } from '@sigstack/oci'
import type { Io } from '../io.ts'

export type Progress = {
  onStep(step: CopyStep): void
  /** Of all parts, those too that were there already. */
  counted(): { readonly parts: number; readonly sentBytes: number }
}

/** A line for each part that was not there yet. */
export function tellSteps(io: Io): Progress {
  let parts = 0
  let sentBytes = 0
  return {
    onStep({ kind, digest, size, outcome }) {
      parts += 1
      if (outcome === 'present') return
      if (outcome === 'pushed') sentBytes += size
      io.err(`  ${kind} ${digest}: ${outcome === 'pushed' ? `${size} bytes` : outcome}\n`)
    },
    counted: () => ({ parts, sentBytes }),
  }
}

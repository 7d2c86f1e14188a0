/** What of an image went where, told while it goes. */
import type { CopyStep } from '@sigstack/oci'
import type { Io } from '../io.ts'

export type Progress = {
  onStep(step: CopyStep): void
  /** Of all parts, those too that were there already. */
  counted(): { readonly parts: number; readonly sentBytes: number }
}

const words: Readonly<Partial<Record<CopyStep['outcome'], string>>> = {
  mounted: 'mounted',
  elsewhere: 'not copied, as the image gets it from elsewhere',
}

/** A line for each part that was not there yet, or is none of a registry. */
export function tellSteps(io: Io): Progress {
  let parts = 0
  let sentBytes = 0
  return {
    onStep({ kind, digest, size, outcome }) {
      if (outcome !== 'elsewhere') parts += 1
      if (outcome === 'present') return
      if (outcome === 'pushed') sentBytes += size
      io.err(`  ${kind} ${digest}: ${words[outcome] ?? `${size} bytes`}\n`)
    },
    counted: () => ({ parts, sentBytes }),
  }
}

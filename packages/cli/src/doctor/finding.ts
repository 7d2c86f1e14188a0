/** What the doctor looked at, what it found, and what helps. */
import { reasonOf } from '@sigstack/crypto'

export type Area = 'trust' | 'services' | 'network' | 'clock' | 'token' | 'registry'
export type Status = 'ok' | 'warning' | 'failed' | 'skipped'

export type Finding = {
  readonly area: Area
  readonly status: Status
  readonly found: string
  /** What to do; only where something is to be done. */
  readonly advice?: string | undefined
}

export const ok = (area: Area, found: string): Finding => ({ area, status: 'ok', found })
export const skipped = (area: Area, found: string): Finding => ({ area, status: 'skipped', found })
export const warning = (area: Area, found: string, advice: string): Finding => ({
  area,
  status: 'warning',
  found,
  advice,
})
export const failed = (area: Area, found: string, advice?: string): Finding => ({
  area,
  status: 'failed',
  found,
  advice,
})

/** What stopped a check is what it found. */
export function failedBy(area: Area, what: string, error: unknown, advice?: string): Finding {
  const own = error instanceof Error && 'advice' in error ? error.advice : undefined
  return failed(area, `${what}: ${reasonOf(error)}`, typeof own === 'string' ? own : advice)
}

import type { OpenValidityPeriod } from '@sigstack/trust-root'

/** Both ends belong to a period. */
export function covers({ start, end }: OpenValidityPeriod, time: Date): boolean {
  return (start === undefined || start <= time) && (end === undefined || time <= end)
}

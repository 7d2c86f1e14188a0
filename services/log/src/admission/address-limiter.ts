/** The limit by address: who is counted, and as what. */
import { type AddressRanges, type Limiter, networkOf, parseRanges, type Take } from '@sigstack/limits'

export type AddressLimiter = {
  takeAddress(address: string): Promise<Take>
}

const nobody = parseRanges([])

/** The 64 bits of an IPv6 network count as one, and so do all that are no address. Those of `unlimited` are not counted. */
export function addressLimiterOf(limiter: Limiter, unlimited: AddressRanges = nobody): AddressLimiter {
  return {
    takeAddress: async (address) =>
      unlimited.has(address) === true
        ? { allowed: true, retryAfterSeconds: 0 }
        : limiter.take(networkOf(address)),
  }
}

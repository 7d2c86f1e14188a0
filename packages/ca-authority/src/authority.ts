import type { Signer } from '@sigstack/crypto'
import type { Certificate } from '@sigstack/x509'

/** The issuing key with its chain: issuing certificate first, self-signed root last. */
export type Authority = { readonly signer: Signer; readonly chain: readonly [Certificate, ...Certificate[]] }

export function chainEnd({ chain }: Authority): Date {
  return new Date(Math.min(...chain.map(({ notAfter }) => notAfter.getTime())))
}

/** Public keys and chains to play with, out of a real trusted root. */
import '@sigstack/signers/few-rounds'
import { readFileSync } from 'node:fs'
import { type PublicKey, parsePublicKey } from '@sigstack/crypto'
import { parseTrustedRoot } from '@sigstack/trust-root'

const root = parseTrustedRoot(readFileSync(new URL('./vectors/public-good.json', import.meta.url), 'utf8'))

function demand<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error('the vector lacks it')
  return value
}

const keyOf = (log: { readonly publicKey: Uint8Array } | undefined): PublicKey =>
  parsePublicKey(demand(log).publicKey)

export const rekorKey = keyOf(root.tlogs[0])
export const ctKey = keyOf(root.ctlogs[0])
export const otherKey = keyOf(root.ctlogs[1])
export const oldChain = demand(root.certificateAuthorities[0]).chain
export const chain = demand(root.certificateAuthorities[1]).chain
export const stampChain = demand(root.timestampAuthorities[0]).chain

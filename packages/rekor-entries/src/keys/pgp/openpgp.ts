/** The library of OpenPGP, which takes 7 MB of memory: loaded for the first key or signature, which few processes ever see. */
import { createRequire } from 'node:module'
import type * as OpenPgp from 'openpgp'

let loaded: typeof OpenPgp | undefined

export function openpgp(): typeof OpenPgp {
  loaded ??= createRequire(import.meta.url)('openpgp') as typeof OpenPgp
  return loaded
}

/** The variables of every service that the stack answers for them. */
import { decided as ca } from './ca.ts'
import type { DecidedHere } from './composition.ts'
import { decided as console } from './console.ts'
import { decided as devIssuer } from './dev-issuer.ts'
import { decided as logs } from './logs.ts'
import { decided as monitor } from './monitor.ts'
import { decided as oidcProxy } from './oidc-proxy.ts'
import { decided as trust } from './trust.ts'
import { decided as tsa } from './tsa.ts'
import { decided as witness } from './witness.ts'

export const decidedHere: readonly DecidedHere[] = [
  ca,
  logs,
  oidcProxy,
  trust,
  tsa,
  witness,
  console,
  monitor,
  devIssuer,
]

/** Stand-ins of what a CA that is really started talks to, until the end of the test file. */
import { type StandInCtLog, startCtLog } from './ct-log.ts'
import { emailIssuerUrl } from './harness.ts'
import { createIssuer, type StandInIssuer, type StandInProxy, startProxy } from './oidc.ts'

export async function startNeighbours(t: { teardown(action: () => Promise<void>): unknown }): Promise<{
  readonly issuer: StandInIssuer
  readonly proxy: StandInProxy
  readonly ctLog: StandInCtLog
}> {
  const issuer = await createIssuer(emailIssuerUrl)
  const proxy = await startProxy(issuer)
  const ctLog = await startCtLog()
  t.teardown(async () => {
    await proxy.stop()
    await ctLog.stop()
  })
  return { issuer, proxy, ctLog }
}

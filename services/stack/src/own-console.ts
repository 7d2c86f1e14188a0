/** A console whose readers sign in, in a trial: at the trial issuer, whose people play any part. */
import path from 'node:path'
import { type Config as ConsoleConfig, type RunningConsole, startConsole } from '@sigstack/console'
import { type Logger, makeFolder, replaceFile } from '@sigstack/server'

/** Of the data folder of the console. */
export const trialIssuersFile = (folder: string) => path.join(folder, 'trial-issuers.json')

/** Who signs in as one of these is an operator; anybody else is a reader. */
const trialOperators = 'operator@**'

/** Starts it; the file with the trial issuer is written anew where it is that which is read. */
export async function startOwnConsole(
  config: ConsoleConfig,
  options: { readonly logger: Logger; readonly processMetrics: boolean },
  { folder, trialIssuer }: { readonly folder: string; readonly trialIssuer: string | undefined },
): Promise<RunningConsole> {
  const file = trialIssuersFile(folder)
  if (config.access.mode === 'oidc' && config.access.issuersFile === file && trialIssuer !== undefined) {
    const issuer = {
      name: 'the trial issuer',
      url: trialIssuer,
      clientId: 'sigstack-console',
      readers: [{}],
      operators: [{ email: trialOperators }],
    }
    await makeFolder(folder, { mode: 0o700 })
    await replaceFile(file, `${JSON.stringify({ issuers: [issuer] }, null, 2)}\n`)
  }
  return startConsole(config, options)
}

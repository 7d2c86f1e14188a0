/** A stack for the command line to talk to. */
import '@sigstack/signers/few-rounds'
import path from 'node:path'
import { copyDatabase } from '@sigstack/postgres/testing'
import { createLogger, type Logger } from '@sigstack/server'
import { type RunningStack, readConfig, startStack } from '@sigstack/stack'
import { anyPorts } from '@sigstack/stack/testing'

/** A whole stack on free ports and in a new folder, until the end of the test. */
export async function startTestStack(
  t: { teardown(action: () => Promise<void>): unknown },
  environment: Readonly<Record<string, string>> & { readonly SIGSTACK_DATA: string },
  logger: Logger = createLogger({ name: 'stack', level: 'silent' }),
): Promise<RunningStack> {
  if (environment.DATABASE_URL === undefined)
    await copyDatabase(path.join(environment.SIGSTACK_DATA, 'postgres'))
  const stack = await startStack(readConfig({ ...anyPorts, ...environment }), { logger })
  t.teardown(() => stack.stop())
  return stack
}

/** The command line as a program runs it, and a stack for it to talk to. */
import { createLogger, type Logger } from '@sigstack/server'
import { type RunningStack, readConfig, startStack } from '@sigstack/stack'
import { runCli } from '../src/index.ts'

/** What a command prints, and its exit status. */
export async function runCommand(
  words: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  input = Buffer.alloc(0),
): Promise<{ readonly status: number; readonly out: string; readonly err: string }> {
  let out = ''
  let err = ''
  const status = await runCli(words, {
    environment,
    self: ['sigstack'],
    out: (text) => {
      out += text
    },
    err: (text) => {
      err += text
    },
    readStandardInput: async () => input,
  })
  return { status, out, err }
}

const anyPorts = Object.fromEntries(
  ['CA', 'REKOR', 'CT', 'OIDC_PROXY', 'DEV_ISSUER', 'TRUST'].map((name) => [`SIGSTACK_${name}_PORT`, '0']),
)

/** A whole stack on free ports, until the end of the test. */
export async function startTestStack(
  t: { teardown(action: () => Promise<void>): unknown },
  environment: Readonly<Record<string, string>>,
  logger: Logger = createLogger({ name: 'stack', level: 'silent' }),
): Promise<RunningStack> {
  const stack = await startStack(readConfig({ ...anyPorts, ...environment }), { logger })
  t.teardown(() => stack.stop())
  return stack
}

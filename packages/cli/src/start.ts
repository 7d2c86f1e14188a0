/** The command line in a process of its own. */
import { shown } from './io.ts'
import { runCli } from './program.ts'
import { watchStream } from './standard-streams.ts'
import { openTerminal } from './terminal.ts'

/** `self` are the words that call this tool from any folder. */
export async function startCli(self: readonly string[]): Promise<void> {
  watchStream(process.stdout, 'standard output')
  watchStream(process.stderr, 'standard error')
  const status = await runCli(process.argv.slice(2), {
    environment: process.env,
    self,
    out: (text) => process.stdout.write(text),
    // To a person it is text like any other; to a pipe or file it is the file.
    file: (content) =>
      process.stdout.write(process.stdout.isTTY ? shown(Buffer.from(content).toString('utf8')) : content),
    err: (text) => process.stderr.write(text),
    standardInput: () => process.stdin as AsyncIterable<Uint8Array>,
    leave: (status) => process.exit(status),
    openPage: async (url) => (await import('./signing/oidc/open-page.ts')).openPage(url),
    terminal: process.stdin.isTTY
      ? openTerminal(process.stdin, (text) => process.stderr.write(text))
      : undefined,
  })
  // A service that could not start, or a stream that could not be written to, has set its own.
  if (status !== 0) process.exitCode = status
}

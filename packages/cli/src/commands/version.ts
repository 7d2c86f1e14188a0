import { version } from '@sigstack/server/version'
import type { Command } from 'commander'
import type { Io } from '../io.ts'

export function addVersion(program: Command, io: Io): void {
  program
    .command('version')
    .summary('tell the version')
    .description('Tells the version of the tool and of the Node that runs it.')
    .option('--json', 'tell it as JSON')
    .action((options: { readonly json?: boolean }) => {
      const versions = { sigstack: version, node: process.versions.node, platform: process.platform }
      io.out(
        options.json === true
          ? `${JSON.stringify(versions)}\n`
          : `sigstack ${version}, Node ${versions.node}, ${versions.platform}\n`,
      )
    })
}

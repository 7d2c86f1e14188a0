import { keepCredentials, parseRepository } from '@sigstack/oci'
import type { Command } from 'commander'
import { CliError } from '../../errors.ts'
import { readTextInput } from '../../files.ts'
import type { Io } from '../../io.ts'

type Options = {
  readonly username?: string
  readonly password?: string
  readonly passwordStdin?: boolean
}

export function addLogin(program: Command, io: Io): void {
  program
    .command('login')
    .summary('keep credentials for a registry')
    .description(
      'Keeps credentials for a registry where docker and its neighbours look for them: with the credential helper of the docker config, else in that file. They are not tried at the registry.',
    )
    .argument('<server>', 'the registry: host, and port where it has one')
    .option('-u, --username <name>', 'who you are there')
    .option('-p, --password <password>', 'the password, which others see in the list of processes')
    .option('--password-stdin', 'read the password from standard input')
    .action((server: string, options: Options) => login(io, server, options))
}

export async function login(io: Io, server: string, options: Options): Promise<void> {
  const { username, passwordStdin = false } = options
  if (passwordStdin && options.password !== undefined)
    throw new CliError('bad_usage', '--password and --password-stdin are mutually exclusive')
  const { registry } = parseRepository(`${server}/any`)
  const isHub = server === 'docker.io' || server === 'index.docker.io'
  if (registry === 'index.docker.io' && !isHub)
    throw new CliError('bad_usage', `${server} is no registry: name its host, as in registry.example:5000`)
  const password = passwordStdin
    ? (await readTextInput(io, '-', 'password')).replace(/\r?\n$/, '')
    : options.password
  if (!username || !password) throw new CliError('bad_usage', 'username and password required')
  if (!passwordStdin)
    io.err('WARNING: others see --password in the list of processes. Use --password-stdin.\n')
  const kept = await keepCredentials(io.environment, registry, { username, password })
  io.err(`logged in via ${'file' in kept ? kept.file : `docker-credential-${kept.helper}`}\n`)
}

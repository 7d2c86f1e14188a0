import { resolve } from 'node:path'
import type { Command } from 'commander'
import { dataFolder, type Endpoints, parseEndpoints } from '../endpoints.ts'
import type { Io } from '../io.ts'
import { howToLines } from '../presentation/how-to.ts'
import { serviceTable } from '../presentation/service-table.ts'
import { selfCheck } from '../self-check.ts'

type Options = { readonly data?: string; readonly host?: string }

export function addUp(program: Command, io: Io): void {
  program
    .command('up')
    .summary('start the whole stack in this process')
    .description(
      'Starts every service on an embedded database, checks them by signing a file, and stays until Ctrl-C.\n' +
        'Ports come from SIGSTACK_CA_PORT, SIGSTACK_REKOR_PORT, SIGSTACK_CT_PORT, SIGSTACK_OIDC_PROXY_PORT,\n' +
        'SIGSTACK_TRUST_PORT and SIGSTACK_DEV_ISSUER_PORT. DATABASE_URL and REDIS_URL name servers to use in\n' +
        'place of the embedded database and the memory. SIGSTACK_TRIAL=0 leaves the trial issuer out,\n' +
        'SIGSTACK_CT_LOG=none the CT log, which several clients refuse to go without (docs/interop.md).',
    )
    .option('--data <folder>', 'where everything is kept (default: SIGSTACK_DATA, else ./.sigstack)')
    .option('--host <address>', 'the address to listen on (default: SIGSTACK_HOST, else 127.0.0.1)')
    .action((options: Options) => up(io, options))
}

async function up(io: Io, options: Options): Promise<void> {
  // Only this command pays for loading the servers.
  const { createLogger, runService } = await import('@sigstack/server')
  await runService(async () => {
    const { readConfig, startStack } = await import('@sigstack/stack')
    const config = readConfig({
      // Records of everyday work would bury what the command says.
      LOG_LEVEL: 'warn',
      ...io.environment,
      SIGSTACK_DATA: dataFolder(io, options.data),
      ...(options.host !== undefined && { SIGSTACK_HOST: options.host }),
    })
    const logger = createLogger({
      name: 'sigstack',
      level: config.logLevel,
      pretty: true,
      destination: { write: (line) => io.err(line) },
    })
    const stack = await startStack(config, { logger, onProgress: (step) => io.err(`${step} ...\n`) })
    try {
      const endpoints = parseEndpoints(JSON.stringify(stack.endpoints))
      io.out(`\n${serviceTable(endpoints.services)}\nDatabase: ${stack.database}\n`)
      if (endpoints.services['ct'] === undefined) io.err(withoutCtLog)
      await checkAndExplain(io, endpoints, options.data)
      io.out('\nThe stack is up; Ctrl-C stops it.\n')
    } catch (error) {
      await stack.stop()
      throw error
    }
    return { stop: () => stack.stop() }
  })
}

const withoutCtLog =
  'WARNING: there is no CT log, so nobody can see which certificates are issued here. cosign and sigstack verify with\n' +
  '--insecure-ignore-sct; sigstore-python, sigstore-java and sigstore-rs do not work at all without one.\n'

async function checkAndExplain(io: Io, endpoints: Endpoints, data: string | undefined): Promise<void> {
  const { issuer, services } = endpoints
  if (services['dev-issuer'] === undefined) {
    io.out('No trial issuer runs here, so the self-check is left out.\n')
    return
  }
  const begun = performance.now()
  await selfCheck(endpoints)
  io.out(`Self-check: a file was signed and verified in ${Math.round(performance.now() - begun)} ms.\n`)
  const { ca: caUrl, rekor: rekorUrl, trust: trustUrl, ct } = services
  if (caUrl === undefined || rekorUrl === undefined || trustUrl === undefined) return
  const { self } = io
  const dataDirectory = resolve(dataFolder(io, data))
  io.out(
    `\n${howToLines({ self, dataFolder: dataDirectory, trustUrl, caUrl, rekorUrl, issuer, email: 'you@example.org', ctLog: ct !== undefined })}`,
  )
}

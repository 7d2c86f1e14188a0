import { resolve } from 'node:path'
import type { Command } from 'commander'
import { dataFolder, type Endpoints, parseEndpoints } from '../endpoints.ts'
import { type Io, setting } from '../io.ts'
import { commandLine, howToLines, ownIssuerLines } from '../presentation/how-to.ts'
import { serviceTable } from '../presentation/service-table.ts'
import { type Refusal, selfCheck } from '../self-check.ts'
import { trialEmail } from '../signing/identity-token.ts'

type Options = { readonly data?: string; readonly host?: string }

export function addUp(program: Command, io: Io): void {
  program
    .command('up')
    .summary('start the whole stack in this process')
    .description(
      'Starts every service on an embedded database, checks them by signing a file, and stays until Ctrl-C. ' +
        'Ports come from SIGSTACK_CA_PORT, SIGSTACK_REKOR_PORT, SIGSTACK_CT_PORT, SIGSTACK_OIDC_PROXY_PORT, ' +
        'SIGSTACK_TRUST_PORT and SIGSTACK_DEV_ISSUER_PORT, or all of them from SIGSTACK_BASE_PORT on; ' +
        'SIGSTACK_PUBLIC_URL says how clients elsewhere reach them (docs/operations/running.md). DATABASE_URL and REDIS_URL name servers to use in ' +
        'place of the embedded database and the memory. SIGSTACK_TRIAL=0, a file of issuers in ' +
        'SIGSTACK_CA_CONFIG_FILE or an address other than loopback leaves the trial issuer out, ' +
        'SIGSTACK_CT_LOG=none the CT log, which several clients refuse to go without (docs/interop.md).',
    )
    .option('--data <folder>', 'where everything is kept (default: SIGSTACK_DATA, else ./.sigstack)')
    .option('--host <address>', 'the address to listen on (default: SIGSTACK_HOST, else 127.0.0.1)')
    .action((options: Options) => up(io, options))
}

async function up(io: Io, options: Options): Promise<void> {
  // Only this command pays for loading the servers.
  const { createLogger, runService } = await import('@sigstack/server')
  // It is no setting of a service, and would be warned of as one.
  const { SIGSTACK_DEFAULT_DATA: _, ...environment } = io.environment
  await runService(async (signal) => {
    const { assertOwnAddress, readConfig, startStack } = await import('@sigstack/stack')
    await assertOwnAddress(options.host ?? io.environment['SIGSTACK_HOST'])
    const config = readConfig({
      // Records of everyday work would bury what the command says.
      LOG_LEVEL: 'warn',
      ...environment,
      SIGSTACK_DATA: dataFolder(io, options.data),
      ...(options.host !== undefined && { SIGSTACK_HOST: options.host }),
    })
    const logger = createLogger({
      name: 'sigstack',
      level: config.logLevel,
      pretty: true,
      destination: { write: (line) => io.err(line) },
    })
    const stack = await startStack(config, { logger, onProgress: (step) => io.err(`${step} ...\n`), signal })
    try {
      const endpoints = parseEndpoints(JSON.stringify(stack.endpoints))
      io.out(`\n${serviceTable(stack.listening)}\nDatabase: ${stack.database}\n`)
      const others = endpoints.public ?? {}
      if (Object.entries(others).some(([name, url]) => stack.listening[name] !== url))
        io.out(`\nAs clients elsewhere reach them:\n${serviceTable(others)}`)
      if (endpoints.services['ct'] === undefined) io.err(withoutCtLog)
      await checkAndExplain(io, endpoints, options.data, signal)
      signal.throwIfAborted()
      io.out('\nThe stack is up; Ctrl-C stops it.\n')
    } catch (error) {
      await stack.stop()
      throw error
    }
    return {
      async stop() {
        io.err('stopping ...\n')
        await stack.stop()
        io.err('The stack has stopped.\n')
      },
    }
  })
}

const withoutCtLog =
  'WARNING: there is no CT log, so nobody can see which certificates are issued here. cosign and sigstack verify with\n' +
  '--insecure-ignore-sct; sigstore-python, sigstore-java and sigstore-rs do not work at all without one.\n'

async function checkAndExplain(
  io: Io,
  endpoints: Endpoints,
  data: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  const { issuer, services } = endpoints
  const dataDirectory = resolve(dataFolder(io, data))
  const { ca: caUrl, rekor: rekorUrl, trust: trustUrl, ct } = endpoints.public ?? services
  const ctLog = ct !== undefined
  if (services['dev-issuer'] === undefined) {
    io.out('No trial issuer runs here, so the self-check is left out.\n')
    io.out(`\nThe command, for any folder of this shell:\n${commandLine(io.self, dataDirectory)}\n`)
    if (trustUrl !== undefined) io.out(`\n${ownIssuerLines({ trustUrl, issuer, ctLog })}`)
    return
  }
  const begun = performance.now()
  const refusal = await selfCheck(endpoints)
  signal.throwIfAborted()
  if (refusal === undefined)
    io.out(`Self-check: a file was signed and verified in ${Math.round(performance.now() - begun)} ms.\n`)
  else io.err(warningOf(refusal, issuer, deciderOf(io, refusal)))
  if (caUrl === undefined || trustUrl === undefined) return
  const { self } = io
  io.out(
    `\n${howToLines({ self, dataFolder: dataDirectory, trustUrl, caUrl, ...(rekorUrl !== undefined && { rekorUrl }), issuer, email: 'you@example.org', ctLog })}`,
  )
}

function warningOf({ message }: Refusal, issuer: string, decider: string): string {
  return (
    `WARNING: the self-check, which signs a file as ${trialEmail} of ${issuer}, was not admitted:\n${message}\n` +
    `${decider} decides that. The stack stays up; whether signing works here was not checked.\n`
  )
}

/** The setting that decided, and its value. */
function deciderOf(io: Io, { by, status }: Refusal): string {
  if (status === 405 || (status === 501 && setting(io, 'LOG_ENABLED_ENDPOINTS') === undefined))
    return 'The mode of the log (log mode)'
  const names =
    status === 501
      ? ['LOG_ENABLED_ENDPOINTS']
      : by === 'rekor'
        ? ['LOG_ADMISSION_FILE']
        : ['CA_POLICY_FILE', 'SIGSTACK_CA_CONFIG_FILE', 'CA_CONFIG_FILE']
  const name = names.find((each) => setting(io, each) !== undefined)
  return name === undefined ? (names[0] ?? '') : `${name}=${setting(io, name)}`
}

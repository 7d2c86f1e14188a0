import type { Logger, LogLevel } from '@sigstack/server'
import type { Command } from 'commander'
import { dataFolder, parseEndpoints } from '../endpoints.ts'
import { CliError } from '../errors.ts'
import type { Io } from '../io.ts'
import { howToLines } from '../presentation/how-to.ts'
import { type ServiceLine, serviceTable } from '../presentation/service-table.ts'
import { selfCheck } from '../self-check.ts'

type Options = { readonly data?: string; readonly host: string }

/** What this command needs of @sigstack/stack. */
export type StartStack = (options: {
  readonly dataDirectory: string
  readonly host: string
  readonly ports: Readonly<Record<string, number>>
  readonly databaseUrl?: string
  readonly redisUrl?: string
  readonly logger: Logger
  readonly onProgress: (step: string) => void
}) => Promise<{
  readonly services: readonly ServiceLine[]
  /** What endpoints.json says. */
  readonly endpoints: unknown
  stop(): Promise<void>
}>

/** Each may have its port in the environment: `CA_PORT`, `OIDC_PROXY_PORT` and so on. */
const servicesWithPorts = ['ca', 'rekor', 'ct', 'oidc-proxy', 'trust', 'dev-issuer']
const levels: readonly LogLevel[] = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']

export function addUp(program: Command, io: Io): void {
  program
    .command('up')
    .summary('start the whole stack in this process')
    .description(
      'Starts every service on an embedded database, checks them by signing a file, and stays until Ctrl-C.\n' +
        'Ports come from CA_PORT, REKOR_PORT, CT_PORT, OIDC_PROXY_PORT, TRUST_PORT and DEV_ISSUER_PORT;\n' +
        'DATABASE_URL and REDIS_URL name servers to use instead of the embedded ones.',
    )
    .option('--data <folder>', 'where everything is kept (default: SIGSTACK_DATA, else ./.sigstack)')
    .option('--host <address>', 'the address to listen on', '127.0.0.1')
    .action((options: Options) => up(io, options))
}

async function up(io: Io, options: Options): Promise<void> {
  const dataDirectory = dataFolder(io, options.data)
  const ports = portsFrom(io)
  // Only this command pays for loading a server.
  const { createLogger, runService } = await import('@sigstack/server')
  const logger = createLogger({
    name: 'stack',
    level: logLevel(io),
    destination: { write: (line) => io.err(line) },
  })
  await runService(async () => {
    const startStack = await loadStack()
    const { DATABASE_URL: databaseUrl, REDIS_URL: redisUrl } = io.environment
    const stack = await startStack({
      dataDirectory,
      host: options.host,
      ports,
      ...(databaseUrl && { databaseUrl }),
      ...(redisUrl && { redisUrl }),
      logger,
      onProgress: (step) => io.err(`${step}\n`),
    })
    try {
      await present(io, stack, options.data)
    } catch (error) {
      await stack.stop()
      throw error
    }
    return { stop: () => stack.stop() }
  })
}

async function present(
  io: Io,
  stack: { readonly services: readonly ServiceLine[]; readonly endpoints: unknown },
  data: string | undefined,
): Promise<void> {
  const endpoints = parseEndpoints(JSON.stringify(stack.endpoints))
  io.out(`\n${serviceTable(stack.services)}\n`)
  const { ca: caUrl, rekor: rekorUrl, trust: trustUrl } = endpoints.services
  if (endpoints.services['dev-issuer'] === undefined) {
    io.out('No trial issuer runs here, so the self-check is left out.\n')
  } else {
    const begun = performance.now()
    await selfCheck(endpoints)
    io.out(`Self-check: a file was signed and verified in ${Math.round(performance.now() - begun)} ms.\n\n`)
    if (caUrl !== undefined && rekorUrl !== undefined && trustUrl !== undefined) {
      const command = commandFor(io, data)
      const { issuer } = endpoints
      io.out(
        howToLines({
          command,
          trustUrl,
          caUrl,
          rekorUrl,
          issuer,
          email: 'you@example.org',
          file: 'README.md',
        }),
      )
    }
  }
  io.out('\nThe stack is up; Ctrl-C stops it.\n')
}

/** Under npm the tool is no command of the shell. */
function commandFor(io: Io, data: string | undefined): string {
  const command =
    io.environment['npm_lifecycle_event'] === undefined ? 'sigstack' : 'npm run --silent sigstack --'
  const folder = data ?? io.environment['SIGSTACK_DATA']
  return folder === undefined ? command : `SIGSTACK_DATA='${folder.replaceAll("'", `'\\''`)}' ${command}`
}

function portsFrom(io: Io): Readonly<Record<string, number>> {
  const ports: Record<string, number> = {}
  for (const name of servicesWithPorts) {
    const variable = `${name.toUpperCase().replace('-', '_')}_PORT`
    const text = io.environment[variable]
    if (text === undefined || text === '') continue
    const port = Number(text)
    if (!/^\d{1,5}$/.test(text) || port > 65_535) {
      throw new CliError(
        'bad_usage',
        `${variable} must be a port from 0 to 65535, not ${JSON.stringify(text)}`,
      )
    }
    ports[name] = port
  }
  return ports
}

function logLevel(io: Io): LogLevel {
  const asked = io.environment['LOG_LEVEL'] ?? 'warn'
  const found = levels.find((level) => level === asked)
  if (found === undefined) throw new CliError('bad_usage', `LOG_LEVEL must be one of ${levels.join(', ')}`)
  return found
}

async function loadStack(): Promise<StartStack> {
  const module: unknown = await import('@sigstack/stack')
  const start: unknown =
    typeof module === 'object' && module !== null ? Reflect.get(module, 'startStack') : undefined
  if (typeof start !== 'function') throw new Error('@sigstack/stack has no startStack')
  return start as StartStack
}

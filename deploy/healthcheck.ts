/** HEALTHCHECK of every image: status 0 when the service in this container says that it is ready. */
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'

type Service = {
  /** Of its variables. */
  readonly prefix: string
  readonly port: string
}

/**
 * The ports are those of the services' own schemas, which a test holds beside these: this program runs every few seconds, so it
 * loads nothing that it does not need.
 */
function servicesOf(face: string | undefined): Readonly<Record<string, Service>> {
  return {
    ca: { prefix: 'CA', port: '5555' },
    log: { prefix: 'LOG', port: face === 'ct' ? '6962' : face === 'rekor-v2' ? '3003' : '3000' },
    'oidc-proxy': { prefix: 'OIDC_PROXY', port: '5557' },
    trust: { prefix: 'TRUST', port: '5559' },
    tsa: { prefix: 'TSA', port: '3004' },
    witness: { prefix: 'WITNESS', port: '7380' },
    monitor: { prefix: 'MONITOR', port: '7390' },
    console: { prefix: 'CONSOLE', port: '5560' },
    'dev-issuer': { prefix: 'DEV_ISSUER', port: '5558' },
  }
}

/** Where the service listens, seen from inside the container. */
export function readinessUrl(environment: Readonly<Record<string, string | undefined>>): URL {
  // Set and empty means not set, as the services have it.
  const variable = (name: string) => environment[name]?.trim() || undefined
  const services = servicesOf(variable('LOG_FACE'))
  const service = services[variable('SERVICE') ?? '']
  if (service === undefined) throw new Error(`SERVICE must be one of ${Object.keys(services).join(', ')}`)
  const { prefix } = service
  // Older names of the log's.
  const plain = (name: string) => (prefix === 'LOG' ? variable(name) : undefined)
  const port = variable(`${prefix}_PORT`) ?? plain('PORT') ?? service.port
  const host = variable(`${prefix}_HOST`) ?? plain('HOST') ?? '0.0.0.0'
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  const scheme = variable(`${prefix}_TLS_CERTIFICATE_FILE`) === undefined ? 'http' : 'https'
  return new URL(`${scheme}://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}/readyz`)
}

/** Prints the answer, which the engine keeps and `docker inspect` shows. */
async function isReady(url: URL): Promise<boolean> {
  const options = {
    signal: AbortSignal.timeout(4_000),
    // The certificate is for the name that clients use, and the question never leaves the container.
    rejectUnauthorized: false,
  }
  return new Promise((resolve, reject) => {
    const asked =
      url.protocol === 'https:' ? httpsRequest(url, options, read) : httpRequest(url, options, read)
    asked.on('error', reject).end()
    function read(answer: IncomingMessage): void {
      answer.on('data', (part: Buffer) => process.stdout.write(part))
      answer.on('error', reject)
      answer.on('end', () => resolve(answer.statusCode === 200))
    }
  })
}

async function main(): Promise<void> {
  let where = 'the service'
  try {
    const url = readinessUrl(process.env)
    where = url.href
    process.exitCode = (await isReady(url)) ? 0 : 1
  } catch (error) {
    process.stdout.write(
      `${where} does not answer: ${error instanceof Error ? error.message : String(error)}`,
    )
    process.exitCode = 1
  }
}

if (import.meta.main) await main()

import {
  type Environment,
  type LogLevel,
  logLevelVariable,
  pathVariable,
  portVariable,
  readEnvironment,
  SettingsError,
} from '@sigstack/server'
import { Type } from 'typebox'

export type Config = {
  readonly host: string
  readonly port: number
  readonly logLevel: LogLevel
  /** The issuer URL, exactly as clients and the certificate authority must spell it; no trailing slash. */
  readonly issuer: string
  /** Where the signing key is made and kept. */
  readonly dataFolder: string
  /** A PEM private key to use instead. */
  readonly keyPath?: string
  /** Must be true for the issuer to start: it signs in anyone as anyone. */
  readonly trial: boolean
}

export const variables = Type.Object({
  SIGSTACK_TRIAL: Type.String({ default: '', maxLength: 100 }),
  DEV_ISSUER_HOST: Type.String({ default: '127.0.0.1', minLength: 1 }),
  DEV_ISSUER_PORT: portVariable({ default: 5558 }),
  DEV_ISSUER_URL: Type.String({ default: '', maxLength: 1024 }),
  DEV_ISSUER_DATA: pathVariable({ default: './.sigstack/dev-issuer' }),
  DEV_ISSUER_KEY: Type.Optional(pathVariable()),
  LOG_LEVEL: logLevelVariable,
})

/** The only reader of the environment. Throws one error that names every bad variable. */
export function readConfig(environment: Environment): Config {
  const candidate = readEnvironment(environment, variables)
  const { DEV_ISSUER_PORT: port, DEV_ISSUER_URL: url, DEV_ISSUER_KEY: keyPath } = candidate
  const issuer = url === '' ? `http://localhost:${port}` : url
  if (!isIssuerUrl(issuer) || (url === '' && port === 0)) {
    throw new SettingsError([
      'DEV_ISSUER_URL must be an http or https URL without trailing slash, query, fragment or credentials (it is needed with port 0)',
    ])
  }
  return {
    host: candidate.DEV_ISSUER_HOST,
    port,
    logLevel: candidate.LOG_LEVEL,
    issuer,
    dataFolder: candidate.DEV_ISSUER_DATA,
    ...(keyPath === undefined ? {} : { keyPath }),
    trial: candidate.SIGSTACK_TRIAL === '1',
  }
}

/** Clients compare issuers byte for byte, so only the form that URLs normalise to is taken. */
function isIssuerUrl(url: string): boolean {
  const parsed = URL.parse(url)
  if (parsed === null || !['http:', 'https:'].includes(parsed.protocol)) return false
  const path = parsed.pathname === '/' ? '' : parsed.pathname
  return url === parsed.origin + path && !url.endsWith('/') && /^[\w./~-]*$/.test(path)
}

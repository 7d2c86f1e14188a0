import { escaped } from '@sigstack/crypto'
import type { Service, SigningConfig } from '@sigstack/trust-root'

/** The services to sign with, a line each. */
export function describeServices(config: SigningConfig): string {
  const lines = [
    ...config.caUrls.map(line('certificates from')),
    ...config.oidcUrls.map(line('tokens from')),
    ...config.rekorTlogUrls.map(line('logged by')),
    ...config.tsaUrls.map(line('stamped by')),
  ]
  return lines.length === 0 ? 'No services to sign with.\n' : `Signing:\n${lines.join('')}`
}

function line(what: string): (service: Service) => string {
  return ({ url, validFor }) => {
    const until = validFor?.end === undefined ? '' : ` until ${validFor.end.toISOString()}`
    return `  ${what.padEnd('certificates from'.length)}  ${escaped(url, 4096)}${until}\n`
  }
}

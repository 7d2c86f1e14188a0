/** Which issuers the CA accepts and the proxy may ask: the trial issuer, and those of the operator's file. */
import { readFile } from 'node:fs/promises'
import type { IssuerConfig } from '@sigstack/ca'
import { parseIssuerConfig, parseIssuerConfigText } from '@sigstack/ca'
import { decodeText, reasonOf } from '@sigstack/crypto'
import type { IssuerEntry } from '@sigstack/oidc-proxy'

export async function readIssuers(options: {
  readonly trialIssuer: string | undefined
  readonly file: string | undefined
}): Promise<IssuerConfig> {
  const { trialIssuer, file } = options
  const own = file === undefined ? undefined : await readIssuerFile(file)
  return withTrialIssuer(own, trialIssuer)
}

/** The file's, and the trial issuer before them. */
export function withTrialIssuer(
  own: IssuerConfig | undefined,
  trialIssuer: string | undefined,
): IssuerConfig {
  if (trialIssuer === undefined) return { ...own, issuers: own?.issuers ?? [] }
  const { issuers } = parseIssuerConfig({
    'oidc-issuers': {
      [trialIssuer]: { 'issuer-url': trialIssuer, 'client-id': 'sigstore', type: 'email' },
    },
  })
  return { ...own, issuers: [...issuers, ...(own?.issuers ?? [])] }
}

async function readIssuerFile(file: string): Promise<IssuerConfig> {
  try {
    return parseIssuerConfigText(decodeText(await readFile(file)))
  } catch (cause) {
    throw new Error(`the identity configuration ${file}: ${reasonOf(cause)}`, { cause })
  }
}

/** What the proxy is told about each of them. */
export function proxyIssuers(
  { issuers }: IssuerConfig,
  options: { readonly trialIssuer: string | undefined; readonly privateIssuers: readonly string[] },
): readonly IssuerEntry[] {
  return issuers.map(({ url, caCertificate, isPattern, kind }) => {
    const isTrial = url === options.trialIssuer
    const isPrivate = options.privateIssuers.includes(url)
    return {
      url,
      ...(caCertificate !== undefined && { caCertificate }),
      allowPrivateNetwork: isTrial || isPrivate,
      allowHttp: isTrial || (url.startsWith('http:') && isPrivate),
      // A cluster's issuer is on its own network; those that anybody can ask want no token and get none.
      ...(isPrivate && !isPattern && kind.type === 'kubernetes' && { serviceAccountToken: true }),
    }
  })
}

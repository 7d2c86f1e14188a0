/** Whose tokens the CA takes, and how their documents are to be had. */
import { isObject, memberAt } from '@sigstack/crypto'
import type { ServiceUrls } from '../config.ts'
import { ask, jsonOf } from '../sources/ask.ts'
import { textAt } from '../text-at.ts'

export type Issuer = {
  readonly url: string
  readonly type: string
  readonly audience: string
  readonly documents: readonly IssuerDocument[]
}

export type IssuerDocument = {
  readonly name: string
  /** ISO 8601; undefined where it was never had. */
  readonly lastSuccess?: string
  readonly ageSeconds?: number
  readonly fault?: string
}

/** Throws a `SourceError`. */
export async function readIssuers({ ca, oidcProxy }: ServiceUrls): Promise<readonly Issuer[]> {
  const [configuration, states] = await Promise.all([
    ca === undefined ? undefined : ask(ca, '/api/v2/configuration'),
    oidcProxy === undefined ? undefined : ask(oidcProxy, '/v1/issuers').catch(() => undefined),
  ])
  const listed = configuration && memberAt(jsonOf(configuration), 'issuers')
  const told = states && memberAt(jsonOf(states), 'issuers')
  const known: readonly unknown[] = Array.isArray(told) ? told : []
  return (Array.isArray(listed) ? listed : []).map((issuer: unknown) => {
    const url = textAt(issuer, 'issuerUrl') || textAt(issuer, 'wildcardIssuerUrl') || ''
    const state = known.find((each) => memberAt(each, 'issuer') === url || memberAt(each, 'pattern') === url)
    return {
      url,
      type: textAt(issuer, 'issuerType') ?? '',
      audience: textAt(issuer, 'audience') ?? '',
      documents: (['discovery', 'jwks'] as const).flatMap((name) => {
        const document = memberAt(state, name)
        return isObject(document) ? [documentOf(name === 'jwks' ? 'Keys' : 'Discovery', document)] : []
      }),
    }
  })
}

function documentOf(name: string, told: unknown): IssuerDocument {
  const lastSuccess = memberAt(told, 'lastSuccess')
  const ageSeconds = memberAt(told, 'ageSeconds')
  const fault = memberAt(told, 'lastError', 'message')
  return {
    name,
    ...(typeof lastSuccess === 'string' && { lastSuccess }),
    ...(typeof ageSeconds === 'number' && { ageSeconds }),
    ...(typeof fault === 'string' && { fault }),
  }
}

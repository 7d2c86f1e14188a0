/** The OIDC proxy: the only place that this CA gets documents of identity providers from. */
import { escaped, memberAt, quoted, withoutEnd } from '@sigstack/crypto'
import { IssuanceError, refuseToken } from '../refusals.ts'
import { createHttpPool, type HttpAnswer } from './http-pool.ts'

export type OidcProxyClient = {
  /** JSON text. Throws an IssuanceError, here and below. */
  readDiscovery(issuerUrl: string): Promise<string>
  /** With `keyId`, the proxy asks the issuer again when its set lacks that key. */
  readKeySet(issuerUrl: string, keyId?: string): Promise<string>
  /** Throws unless the proxy answers. */
  probe(): Promise<void>
  close(): Promise<void>
}

/** Below the 5 s after which sigstore-js gives up. */
const timeoutMs = 4000
/** The longest that the proxy serves is a key set of 1 MiB, which may have become longer as UTF-8. */
const maxAnswerBytes = 4 * 1024 * 1024

export function createOidcProxyClient(url: string): OidcProxyClient {
  const pool = createHttpPool(url, maxAnswerBytes)
  const base = withoutEnd(new URL(url).pathname, '/')

  async function read(path: string, query: Readonly<Record<string, string>>): Promise<string> {
    let answer: HttpAnswer
    try {
      const fullPath = `${base}${path}?${new URLSearchParams(query).toString()}`
      answer = await pool.request({ path: fullPath, method: 'GET', timeoutMs })
    } catch (cause) {
      throw new IssuanceError(
        'identity_provider_unreachable',
        'the keys of identity providers cannot be read now',
        {
          cause,
        },
      )
    }
    if (answer.status === 200) return answer.text
    throw refusalOf(answer, query['issuer'] ?? '')
  }

  return {
    readDiscovery: (issuer) => read('/v1/discovery', { issuer }),
    readKeySet: (issuer, kid) => read('/v1/jwks', kid === undefined ? { issuer } : { issuer, kid }),
    async probe() {
      const { status } = await pool.request({ path: `${base}/healthz`, method: 'GET', timeoutMs: 2000 })
      if (status !== 200) throw new Error(`the OIDC proxy answers ${status} to healthz`)
    },
    close: () => pool.close(),
  }
}

const longestDetail = 600

function refusalOf({ status, text, retryAfter }: HttpAnswer, issuer: string): IssuanceError {
  const { code, detail } = problemOf(text)
  const cause = new Error(`the OIDC proxy answered ${status}: ${escaped(detail, longestDetail)}`)
  switch (code) {
    case 'issuer_not_configured':
      return refuseToken(
        'issuer_not_configured',
        `iss is ${quoted(issuer)}, which the OIDC proxy does not know`,
        {
          cause,
        },
      )
    case 'issuer_mismatch':
      return refuseToken('issuer_mismatch', escaped(detail, longestDetail), { cause })
    case 'document_invalid':
    case 'issuer_unavailable':
      return refuseToken(
        'issuer_unavailable',
        // What happened on the way, as the proxy saw it: without it nobody knows what to mend.
        `the keys of ${quoted(issuer)} cannot be read: ${escaped(detail, longestDetail) || code}`,
        {
          cause,
        },
      )
    default: {
      const seconds = /^[0-9]{1,4}$/.test(retryAfter ?? '') ? Number(retryAfter) : 1
      return new IssuanceError(
        'identity_provider_unreachable',
        'the keys of identity providers cannot be read now',
        {
          cause,
          retryAfterSeconds: seconds,
        },
      )
    }
  }
}

function problemOf(text: string): { readonly code: string; readonly detail: string } {
  try {
    const value: unknown = JSON.parse(text)
    const [code, detail] = [memberAt(value, 'code'), memberAt(value, 'detail')]
    return { code: typeof code === 'string' ? code : '', detail: typeof detail === 'string' ? detail : '' }
  } catch {
    return { code: '', detail: '' }
  }
}

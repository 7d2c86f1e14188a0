/** The token verifier over a stand-in proxy, with one email issuer and a clock to turn. */
import { createReadIssuerKeys } from '../../src/adapters/issuer-keys.ts'
import { createOidcProxyClient, type OidcProxyClient } from '../../src/adapters/oidc-proxy-client.ts'
import { createFindIssuer } from '../../src/identity/find-issuer.ts'
import { parseIssuerConfig } from '../../src/identity/issuer-config.ts'
import { createTokenVerifier } from '../../src/token/verify.ts'
import { emailConfig } from './harness.ts'

export function createVerifier(proxyUrl: string, nowMs: () => number, keepMs?: number) {
  const proxy = createOidcProxyClient(proxyUrl)
  const authenticate = createTokenVerifier({
    findIssuer: createFindIssuer(parseIssuerConfig(emailConfig).issuers),
    readKeys: createReadIssuerKeys(proxy, nowMs, keepMs),
    now: () => new Date(),
  })
  return { authenticate, close: () => proxy.close() }
}

export const createIssuerKeysForTest = (proxy: OidcProxyClient) => createReadIssuerKeys(proxy, () => 0)

/** Connections, kept by the rules for proxies and by whom they trust. */
import type { Dispatcher, Pool as PoolType } from 'undici'
import { type ProxyRules, readProxyRules } from './proxy-rules.ts'
import { demandConnections } from './without-connections.ts'

/** `direct` between parts of one stack, else by rules. */
export type Route = 'direct' | ProxyRules

/** Connections are kept by this object, so it is made once and handed on. */
export type TlsSettings = {
  /** PEM, in place of the roots that Node comes with. */
  readonly ca?: string
  /** PEM, what we show of ourselves. */
  readonly cert?: string
  readonly key?: string
  /** Whom the certificate must name, in place of the host of the URL. */
  readonly serverName?: string
  /** Any certificate is taken. */
  readonly isUnchecked?: boolean
}

/** Undefined where all ways are direct. */
export function rulesOf(route: Route | undefined): ProxyRules | undefined {
  return route === 'direct' ? undefined : (route ?? ambientRules())
}

let ambient: ProxyRules | undefined
/** As in Go, the variables are read once. */
function ambientRules(): ProxyRules {
  ambient ??= readProxyRules(process.env)
  return ambient
}

const direct = {}
const usualTls: TlsSettings = {}
const dispatchers = new WeakMap<object, WeakMap<TlsSettings, Promise<Dispatcher>>>()

/**
 * Kept by its rules, and with it the connections. The way is chosen for each origin, so also after a
 * redirect. Every request passes here, so here they are refused where none may be made.
 */
export async function dispatcherOf(rules: ProxyRules | undefined, tls = usualTls): Promise<Dispatcher> {
  demandConnections()
  const known = dispatchers.get(rules ?? direct) ?? new WeakMap<TlsSettings, Promise<Dispatcher>>()
  dispatchers.set(rules ?? direct, known)
  const made = known.get(tls) ?? makeDispatcher(rules, tls)
  known.set(tls, made)
  return made
}

async function makeDispatcher(rules: ProxyRules | undefined, tls: TlsSettings): Promise<Dispatcher> {
  const { Agent, Pool, ProxyAgent } = await import('undici')
  const connect = {
    ...(tls.ca !== undefined && { ca: tls.ca }),
    ...(tls.cert !== undefined && { cert: tls.cert }),
    ...(tls.key !== undefined && { key: tls.key }),
    ...(tls.serverName !== undefined && { servername: tls.serverName }),
    ...(tls.isUnchecked === true && { rejectUnauthorized: false }),
  }
  return new Agent({
    // Nobody waits for a connection that is kept.
    keepAliveTimeout: 4000,
    factory(origin, options) {
      const proxy = rules?.proxyFor(new URL(origin))
      if (proxy !== undefined) return new ProxyAgent({ uri: proxy, requestTls: connect })
      return new Pool(origin, tls === usualTls ? options : { ...(options as PoolType.Options), connect })
    },
  })
}

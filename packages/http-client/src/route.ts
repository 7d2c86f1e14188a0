import { type ProxyRules, readProxyRules } from './proxy-rules.ts'

/** `direct` between parts of one stack, else by rules. */
export type Route = 'direct' | ProxyRules

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

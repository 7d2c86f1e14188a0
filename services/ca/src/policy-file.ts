import { parse as parseYaml } from 'yaml'
import type { IssuerConfig } from './identity/issuer-config.ts'
import { withPolicyFile } from './identity/policy-config.ts'

/** The configuration with the rules of a policy file, YAML or JSON, added to it. Throws an IssuerConfigError. */
export function withPolicyText(config: IssuerConfig, text: string): IssuerConfig {
  return {
    ...config,
    issuers: withPolicyFile(config.issuers, parseYaml(text, { merge: true, maxAliasCount: 1000 })),
  }
}

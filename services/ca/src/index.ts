export type { AuthorityErrorCode } from './adapters/authority-files.ts'
export { AuthorityError } from './adapters/authority-files.ts'
export { type AppDependencies, buildApp } from './app.ts'
export {
  type CeremonyFolder,
  commitRotation,
  installChain,
  type ListedAuthority,
  listAuthorities,
  prepareRotation,
  requestCertificate,
  retireAuthority,
} from './ceremony.ts'
export { type Config, parseIssuerConfigText, readConfig } from './config.ts'
export { type Explanation, explainToken } from './explain.ts'
export { type IssuerConfig, parseIssuerConfig } from './identity/issuer-config.ts'
export { createMetrics } from './metrics.ts'
export { withPolicyText } from './policy-file.ts'
export {
  openConfiguredAuthority,
  type RunningCa,
  type StartOptions,
  startCa,
} from './start.ts'

export { type AppDependencies } from './app.ts'
export { type Config, readConfig, variables } from './config.ts'
export type { IssuerEntry } from './issuers/issuer.ts'
export { startOidcProxy } from './start.ts'

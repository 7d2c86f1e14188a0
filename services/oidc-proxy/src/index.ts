export { type AppDependencies, buildApp } from './app.ts'
export { type Config, readConfig } from './config.ts'
export type { IssuerEntry } from './issuers/issuer.ts'
export { type RunningOidcProxy, type StartOptions, startOidcProxy } from './start.ts'

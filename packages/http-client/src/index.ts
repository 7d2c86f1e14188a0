export { answersPlainly } from './answers-plainly.ts'
export { bodyText } from './body-text.ts'
export { callSocket, type SocketAnswer, type SocketCall } from './call-socket.ts'
export { decodeContent } from './decode-content.ts'
export {
  HttpError,
  type HttpErrorCode,
  isCertificateTrouble,
  isOffline,
  networkReason,
  proxyAdvice,
} from './errors.ts'
export { type Exchange, openExchange } from './open-exchange.ts'
export { type ProxyRules, parseProxy, readProxyRules } from './proxy-rules.ts'
export { readBounded } from './read-bounded.ts'
export { type HttpAnswer, type HttpRequest, requestBounded } from './request-bounded.ts'
export type { Route } from './route.ts'
export { type ProgramAnswer, ProgramError, runProgram } from './run-program.ts'
export type { TlsSettings } from './tls-settings.ts'
export { type WebhookMessage, webhookHeaders } from './webhook-headers.ts'
export { demandConnections, isWithoutConnections, withoutConnections } from './without-connections.ts'

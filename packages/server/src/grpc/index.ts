/** gRPC beside an HTTP API; an entry of its own, since most services do not speak it. */
export { type CallMetrics, createCallMetrics, unaryCall } from './call-metrics.ts'
export { connectErrorOf, type GrpcRefusal } from './refusal.ts'
export { requestOf } from './request-context.ts'
export { type GrpcOptions, serveGrpc } from './serve-grpc.ts'

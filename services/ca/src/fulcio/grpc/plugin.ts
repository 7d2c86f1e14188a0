/** The CA over gRPC, on the port of its HTTP API. */
import { type CallMetrics, serveGrpc } from '@sigstack/server/grpc'
import type { FastifyPluginAsync } from 'fastify'
import { type Admit, requestLimitBytes } from '../issue-for.ts'
import { refusalOf } from '../wording.ts'
import { type AuthorityServiceOptions, authorityService } from './authority-service.ts'
import { CA } from './generated/dev/sigstore/fulcio/v2/fulcio_pb.ts'

export type GrpcFaceOptions = AuthorityServiceOptions & {
  readonly admit: Admit
  readonly calls: CallMetrics
}

export const grpcFace: FastifyPluginAsync<GrpcFaceOptions> = async (app, { calls, admit, ...options }) => {
  serveGrpc(app, {
    service: CA,
    implementation: authorityService(options),
    messageLimitBytes: requestLimitBytes,
    calls,
    admit: async (method, request) => {
      if (method === CA.method.createSigningCertificate) await admit(request)
    },
    refusalOf,
  })
}

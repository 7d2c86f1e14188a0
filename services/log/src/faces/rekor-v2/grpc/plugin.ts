/** dev.sigstore.rekor.v2.Rekor: a message is what its protobuf JSON would be to the HTTP face (rekor-v2.md section 14.4). */
import { toJsonString } from '@bufbuild/protobuf'
import type { ServiceImpl } from '@connectrpc/connect'
import type { Registry } from '@sigstack/server'
import { connectErrorOf, createCallMetrics, requestOf, serveGrpc } from '@sigstack/server/grpc'
import type { FastifyPluginAsync } from 'fastify'
import { admitBeforeBody, type BeforeBody } from '../../../admission/before-body.ts'
import { askedLog } from '../asked-log.ts'
import { conflictOf, createEntry } from '../create-entry.ts'
import type { RekorV2Dependencies } from '../dependencies.ts'
import { CreateEntryRequestSchema, Rekor } from './generated/dev/sigstore/rekor/v2/rekor_service_pb.ts'
import { refusalOfCall } from './refusal-of-call.ts'
import { transparencyLogEntry } from './transparency-log-entry.ts'

export type GrpcFaceOptions = { readonly face: RekorV2Dependencies; readonly registry: Registry }

export const grpcFace: FastifyPluginAsync<GrpcFaceOptions> = async (app, { face, registry }) => {
  const { hooks, senderOf } = admitBeforeBody(face.gate)
  serveGrpc(app, {
    service: Rekor,
    implementation: rekorService(face, senderOf),
    messageLimitBytes: face.bodyLimitBytes,
    calls: createCallMetrics(registry),
    admit: async (method, request) => {
      if (method === Rekor.method.createEntry) await hooks.onRequest?.(request)
    },
    refusalOf: refusalOfCall,
  })
}

function rekorService(
  face: RekorV2Dependencies,
  senderOf: BeforeBody['senderOf'],
): ServiceImpl<typeof Rekor> {
  return {
    async createEntry(message, context) {
      const request = requestOf(context)
      try {
        const text = toJsonString(CreateEntryRequestSchema, message)
        const sent = { text, address: request.ip, sender: senderOf(request) }
        const asked = await askedLog(face, request)
        const { proven, isConflict } = await createEntry(face, asked, sent)
        if (!isConflict) return transparencyLogEntry(asked.logId, proven)
        const { leafIndex } = proven.entry
        context.responseHeader.set('x-log-index', String(leafIndex))
        throw conflictOf(leafIndex)
      } catch (error) {
        throw connectErrorOf(refusalOfCall(error, request))
      }
    },
  }
}

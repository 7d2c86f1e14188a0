/** Failures over gRPC: the codes and, but for one, the words of the HTTP face (rekor-v2.md section 6). */
import type { GrpcRefusal } from '@sigstack/server/grpc'
import type { FastifyRequest } from 'fastify'
import { grpc } from '../errors.ts'
import { isFrozen } from '../refusal-of.ts'
import { toldRefusal } from '../told-refusal.ts'

export function refusalOfCall(error: unknown, request: FastifyRequest): GrpcRefusal {
  // Upstream's code and words for what it answers with 405 and a sentence over HTTP (rekor-tiles internal/server/service.go).
  if (isFrozen(error)) return { grpc: grpc.unimplemented, message: 'log frozen' }
  const { code, message, retryAfterSeconds } = toldRefusal(error, request)
  return { grpc: grpc[code], message, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) }
}

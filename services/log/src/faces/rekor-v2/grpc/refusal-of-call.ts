/** Failures over gRPC: the codes and the words of the HTTP face (rekor-v2.md section 6). */
import type { GrpcRefusal } from '@sigstack/server/grpc'
import type { FastifyRequest } from 'fastify'
import { frozenMessage, grpc } from '../errors.ts'
import { isFrozen } from '../refusal-of.ts'
import { toldRefusal } from '../told-refusal.ts'

export function refusalOfCall(error: unknown, request: FastifyRequest): GrpcRefusal {
  // Upstream's code for what it answers with 405 over HTTP.
  if (isFrozen(error)) return { grpc: grpc.unimplemented, message: frozenMessage }
  const { code, message, retryAfterSeconds } = toldRefusal(error, request)
  return { grpc: grpc[code], message, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) }
}

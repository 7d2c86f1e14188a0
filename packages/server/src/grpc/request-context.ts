/** Hands the HTTP request that carries a call to the call's handler: for its id, its log and its address. */
import {
  type ContextValues,
  createContextKey,
  createContextValues,
  type HandlerContext,
} from '@connectrpc/connect'
import type { FastifyRequest } from 'fastify'

const requestKey = createContextKey<FastifyRequest | undefined>(undefined)

export function contextOf(request: FastifyRequest): ContextValues {
  return createContextValues().set(requestKey, request)
}

export function requestOf({ values }: HandlerContext): FastifyRequest {
  const request = values.get(requestKey)
  if (request === undefined) throw new Error('a call without its request')
  return request
}

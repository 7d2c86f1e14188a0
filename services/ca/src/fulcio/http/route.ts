import type { Operation } from '@sigstack/server'
import type { Certificate } from '@sigstack/x509'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { IssuerEntry } from '../../identity/identity.ts'
import type { Admit, IssueFor } from '../issue-for.ts'

export type HttpFaceOptions = {
  readonly issue: IssueFor
  readonly admit: Admit
  /** Each issuing certificate first, root last; the chain that issues comes first. */
  readonly chains: () => readonly (readonly Certificate[])[]
  readonly issuers: () => readonly IssuerEntry[]
}

export type Handler = (
  face: HttpFaceOptions,
) => (request: FastifyRequest, reply: FastifyReply) => FastifyReply | Promise<FastifyReply>

export type Route = {
  readonly id: string
  /** What is posted is an application for a certificate. */
  readonly method: 'GET' | 'POST'
  readonly path: string
  /** Of the call of gRPC that it stands for in Fulcio; requests are counted under it too. */
  readonly name: { readonly service: string; readonly method: string }
  readonly handler: Handler
  /** As OpenAPI has it. */
  readonly description: Operation
  /** Asked so often that nobody wants records of it. */
  readonly isQuiet?: true
}

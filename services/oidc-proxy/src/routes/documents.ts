/** GET /v1/discovery and GET /v1/jwks: documents of configured issuers, as the issuers served them. */
import { quoted } from '@sigstack/crypto'
import type { FastifyPluginAsync, FastifyReply } from 'fastify'
import { type Static, Type } from 'typebox'
import type { IssuerDocuments, ServedDocument } from '../documents/issuer-documents.ts'
import { IssuerError } from '../documents/issuer-error.ts'
import { type Issuer, maxIssuerUrlLength } from '../issuers/issuer.ts'
import type { IssuerRegistry } from '../issuers/registry.ts'
import { replyWithIssuerProblem } from './problems.ts'

const DiscoveryQuery = Type.Object({ issuer: Type.String({ minLength: 1, maxLength: maxIssuerUrlLength }) })
const KeySetQuery = Type.Object({
  issuer: Type.String({ minLength: 1, maxLength: maxIssuerUrlLength }),
  kid: Type.Optional(Type.String({ minLength: 1, maxLength: 1024 })),
})

export type DocumentRoutesOptions = { readonly issuers: IssuerRegistry; readonly documents: IssuerDocuments }

export const documentRoutes: FastifyPluginAsync<DocumentRoutesOptions> = async (
  app,
  { issuers, documents },
) => {
  app.setErrorHandler(replyWithIssuerProblem)

  const findIssuer = (url: string): Issuer => {
    const issuer = issuers.find(url)
    if (issuer !== undefined) return issuer
    throw new IssuerError('issuer_not_configured', `${quoted(url)} is not a configured issuer`)
  }

  app.get<{ Querystring: Static<typeof DiscoveryQuery> }>(
    '/v1/discovery',
    { schema: { querystring: DiscoveryQuery } },
    async ({ query }, reply) => send(reply, await documents.readDiscovery(findIssuer(query.issuer))),
  )

  app.get<{ Querystring: Static<typeof KeySetQuery> }>(
    '/v1/jwks',
    { schema: { querystring: KeySetQuery } },
    async ({ query }, reply) => send(reply, await documents.readKeySet(findIssuer(query.issuer), query.kid)),
  )
}

function send(reply: FastifyReply, { body, ageSeconds, freshness }: ServedDocument): FastifyReply {
  return reply
    .headers({
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
      age: String(ageSeconds),
      'x-document-freshness': freshness,
    })
    .send(body)
}

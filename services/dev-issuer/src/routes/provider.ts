/** OpenID Connect and the device flow, answered by oidc-provider below the issuer's path. */
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type Provider from 'oidc-provider'
import { routes } from '../provider/client-needs.ts'
import { acceptEmptySecret, dropSession, placeAtIssuer, withForm } from '../provider/provider-request.ts'
import { formOf } from './forms.ts'

export type ProviderRoutesOptions = {
  readonly provider: Provider
  readonly issuer: URL
  readonly mount: string
}

export const providerRoutes: FastifyPluginAsync<ProviderRoutesOptions> = async (
  app,
  { provider, issuer, mount },
) => {
  const serve = provider.callback()

  const answerWithSession = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    reply.hijack()
    placeAtIssuer(request.raw, issuer, mount)
    if (request.method !== 'POST') return await serve(request.raw, reply.raw)
    const form = formOf(request.body)
    acceptEmptySecret(request.raw, form)
    await serve(withForm(request.raw, form), reply.raw)
  }

  const answer = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    dropSession(request.raw)
    await answerWithSession(request, reply)
  }

  const open = ['/.well-known/openid-configuration', routes.jwks]
  for (const path of open) app.route({ method: ['GET', 'OPTIONS'], url: mount + path, handler: answer })
  app.get(mount + routes.authorization, answer)
  app.get(`${mount}${routes.authorization}/:uid`, answer)
  app.post(mount + routes.token, answer)
  app.post(mount + routes.device_authorization, answer)
  app.get(mount + routes.code_verification, answer)
  app.post(mount + routes.code_verification, answerWithSession)
  app.get(`${mount}${routes.code_verification}/:uid`, answer)
}

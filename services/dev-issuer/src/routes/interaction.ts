/** The page that asks who is signing in. */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type Provider from 'oidc-provider'
import { errors } from 'oidc-provider'
import { pageHeaders } from '../pages/page.ts'
import { emailPage, problemPage } from '../pages/pages.ts'
import { isEmail } from '../tokens/email.ts'
import { formOf } from './forms.ts'

export type InteractionRoutesOptions = { readonly provider: Provider; readonly mount: string }
type SignIn = { readonly uid: string; readonly loginHint: string }

export const interactionRoutes: FastifyPluginAsync<InteractionRoutesOptions> = async (app, options) => {
  const { provider, mount } = options
  // The browser's cookie already binds the form to its sign-in; the token says that our page made the form.
  const secret = randomBytes(32)
  const formTokenOf = (uid: string): Buffer => createHmac('sha256', secret).update(uid).digest()

  const page = (reply: FastifyReply, { uid }: SignIn, email: string, problem?: string): FastifyReply => {
    const html = emailPage({
      action: `${mount}/interaction/${encodeURIComponent(uid)}`,
      formToken: formTokenOf(uid).toString('base64url'),
      email,
      ...(problem === undefined ? {} : { problem }),
    })
    return reply
      .code(problem === undefined ? 200 : 400)
      .headers(pageHeaders)
      .send(html)
  }

  async function findSignIn(request: FastifyRequest, reply: FastifyReply): Promise<SignIn | undefined> {
    try {
      const { uid, params } = await provider.interactionDetails(request.raw, reply.raw)
      const { login_hint: hint } = params
      return { uid, loginHint: typeof hint === 'string' && isEmail(hint) ? hint : '' }
    } catch (error) {
      if (error instanceof errors.SessionNotFound) return undefined
      throw error
    }
  }

  const gone = (reply: FastifyReply): FastifyReply =>
    reply
      .code(400)
      .headers(pageHeaders)
      .send(problemPage('This sign-in is over, or was begun in another browser.'))

  app.get(`${mount}/interaction/:uid`, async (request, reply) => {
    const signIn = await findSignIn(request, reply)
    return signIn === undefined ? gone(reply) : page(reply, signIn, signIn.loginHint)
  })

  app.post(`${mount}/interaction/:uid`, async (request, reply) => {
    const signIn = await findSignIn(request, reply)
    if (signIn === undefined) return gone(reply)
    const form = formOf(request.body)
    const given = Buffer.from(form.get('form_token') ?? '', 'base64url')
    const expected = formTokenOf(signIn.uid)
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
      return reply.code(403).headers(pageHeaders).send(problemPage('This form was not made by this page.'))
    }
    const email = (form.get('email') ?? '').trim()
    if (!isEmail(email)) return page(reply, signIn, email.slice(0, 254), 'This is not an e-mail address.')
    const result = { login: { accountId: email, remember: false } }
    const returnTo = await provider.interactionResult(request.raw, reply.raw, result, {
      mergeWithLastSubmission: false,
    })
    return reply.redirect(returnTo, 303)
  })
}

/** In, back from the issuer, and out. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Context } from '../context.ts'
import { assertOwnForm } from '../html/form.ts'
import { callbackPaths, signInPart, strangerPart } from './page.ts'
import type { SignIn } from './sign-in.ts'

/** Open to whoever is not signed in, with what its pages need. */
export function isOfSignIn(route: string): boolean {
  return route.startsWith('/auth/') || route.startsWith('/assets/')
}

export function addSignInRoutes(app: FastifyInstance, context: Context, signIn: SignIn): void {
  app.get('/auth/sign-in', async (request, reply) => {
    const query = queryOf(request)
    const body = signInPart(signIn, query.get('to') ?? '/', query.has('out'))
    return context.sendPage(request, reply, { title: 'Sign in', body })
  })

  app.get('/auth/begin', async (request, reply) => {
    const query = queryOf(request)
    const issuer = /^\d{1,2}$/.exec(query.get('issuer') ?? '')?.[0]
    const sent = issuer === undefined ? undefined : await signIn.begin(Number(issuer), query.get('to') ?? '/')
    if (sent === undefined) return context.sendNothing(request, reply, 'There is no such identity provider.')
    return reply.header('set-cookie', sent.cookie).redirect(sent.location, 303)
  })

  for (const path of callbackPaths)
    app.get(path, async (request, reply) => {
      // Once, whatever becomes of it.
      reply.header('set-cookie', signIn.clear())
      const [path = ''] = request.url.split('?', 1)
      const { name, issuer, role, to } = await signIn.finish({
        path,
        query: queryOf(request),
        cookies: request.headers.cookie,
        address: request.ip,
      })
      request.log.info({ reader: name, issuer, role: role ?? 'none' }, 'somebody signed in')
      if (role === undefined) {
        const page = { title: 'This is not open to you', body: strangerPart(name, issuer) }
        return context.sendPage(request, reply, page, 403)
      }
      // Two issuers may know two people by one name, and acts are kept with it.
      const reader = signIn.issuers.length === 1 ? name : `${name} at ${issuer}`
      return reply.header('set-cookie', signIn.sessions.begin({ name: reader, role })).redirect(to, 303)
    })

  app.post('/auth/sign-out', async (request, reply) => {
    assertOwnForm(request)
    const session = signIn.sessions.of(request.headers.cookie)
    if (session !== undefined) reply.header('set-cookie', signIn.sessions.end(session))
    return reply.redirect('/auth/sign-in?out', 303)
  })
}

function queryOf({ url }: FastifyRequest): URLSearchParams {
  const at = url.indexOf('?')
  return new URLSearchParams(at < 0 ? '' : url.slice(at))
}

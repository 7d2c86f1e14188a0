import type { FastifyInstance } from 'fastify'
import type { Context } from '../context.ts'
import { formIn } from '../html/form.ts'
import { SourceError } from '../sources/errors.ts'
import { largestBundle, verifyPart } from './page.ts'
import { type Question, verify } from './verify.ts'

const title = 'Verify a file'

export function addVerifyRoutes(app: FastifyInstance, context: Context): void {
  app.get('/verify', async (request, reply) => {
    const body = verifyPart(questionOf(new URLSearchParams()), undefined)
    return context.sendPage(request, reply, { title, room: 'verify', body, scripts: ['verify.js'] })
  })

  app.post('/verify', { bodyLimit: largestBundle }, async (request, reply) => {
    const question = questionOf(formIn(request))
    const { value: trust, fault } = await context.trust.current()
    if (trust === undefined)
      throw new SourceError('unavailable', `there is no trusted root to verify against: ${fault}`)
    const verdict = await verify(question, trust.root)
    if (context.wantsJson(request)) return reply.send(verdict)
    const body = verifyPart(question, verdict)
    return context.sendPage(request, reply, { title, room: 'verify', body, scripts: ['verify.js'] })
  })
}

function questionOf(form: URLSearchParams): Question {
  const text = (name: string) => form.get(name) ?? ''
  return {
    bundle: text('bundle'),
    digest: text('digest').slice(0, 300),
    identity: text('identity').slice(0, 2_048),
    issuer: text('issuer').slice(0, 2_048),
    key: text('key').slice(0, 16_384),
  }
}

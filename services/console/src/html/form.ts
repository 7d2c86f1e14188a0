/** Forms, as browsers send them without scripts. */
import { unescape } from 'node:querystring'
import type { FastifyInstance, FastifyRequest } from 'fastify'

export function takeForms(app: FastifyInstance): void {
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    (_request, body, done) => {
      const form = parseForm(String(body))
      if (form === undefined) done(tooManyFields())
      else done(null, form)
    },
  )
}

/** Empty where the request carries none. */
export function formIn({ body }: FastifyRequest): URLSearchParams {
  return body instanceof URLSearchParams ? body : new URLSearchParams()
}

/** Our largest form has some thirty. */
const mostFields = 100

/**
 * Pairs of the WHATWG's URL standard (section 5.1); undefined where there are too many. `URLSearchParams` reads a text in a time that
 * grows with the square of its fields: minutes for some megabytes.
 */
function parseForm(text: string): URLSearchParams | undefined {
  const fields = text.split('&', mostFields + 1)
  if (fields.length > mostFields) return undefined
  const form = new URLSearchParams()
  for (const field of fields) {
    const [name = '', ...value] = field.replaceAll('+', ' ').split('=')
    if (field !== '') form.append(unescape(name), unescape(value.join('=')))
  }
  return form
}

function tooManyFields(): Error {
  return Object.assign(new Error(`a form has at most ${mostFields} fields`), { statusCode: 400 })
}

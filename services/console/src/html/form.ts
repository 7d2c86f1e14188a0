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

/** Of who may not do what they ask. */
export class AccessError extends Error {
  override readonly name = 'AccessError'
  readonly statusCode = 403
}

/** Throws {@link AccessError} for a form of a page of somebody else. */
export function assertOwnForm(request: FastifyRequest): void {
  if (!isFromOwnPage(request))
    throw new AccessError('this form does not come from a page of this console, so nothing was done')
}

/**
 * Browsers tell where a form comes from (Fetch metadata, and Origin where the page is not of a trustworthy address). Pages
 * cannot forge either, and who sends neither is no browser with a form of ours.
 */
function isFromOwnPage({ headers, host }: FastifyRequest): boolean {
  const site = headers['sec-fetch-site']
  if (site !== undefined) return site === 'same-origin'
  const own = URL.parse(`${schemeOf(headers.origin)}://${host}`)?.host
  return own !== undefined && own === URL.parse(headers.origin ?? '')?.host
}

/** So that a port that goes without saying is left out on both sides. */
function schemeOf(origin: string | undefined): string {
  return origin?.startsWith('https://') === true ? 'https' : 'http'
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

/** Content negotiation (rekor-v1.md section 1.1): each endpoint has one type, and 406 goes to who excludes it. */
import type { FastifyRequest } from 'fastify'
import { RekorRefusal } from './errors.ts'

export const jsonType = 'application/json'
export const pemType = 'application/x-pem-file'

export function assertAccepts(request: FastifyRequest, type: string): void {
  const { accept } = request.headers
  if (accept === undefined || accept === '*/*' || accept === type) return
  if (!accepts(accept, type)) {
    throw new RekorRefusal(406, `unsupported media type requested, only [${type}] are available`)
  }
}

function accepts(accept: string, type: string): boolean {
  if (accept.trim() === '') return true
  const family = `${type.slice(0, type.indexOf('/'))}/*`
  return accept.split(',').some((offer) => {
    const [range = '', ...parameters] = offer.split(';').map((part) => part.trim().toLowerCase())
    if (range !== type && range !== family && range !== '*/*') return false
    return !parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter))
  })
}

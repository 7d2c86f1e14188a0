/** One request to a service that certifies, logs or stamps, and what the service says where it refuses. */
import { type JsonValue, memberAt } from '@sigstack/crypto'
import { type HttpAnswer, type HttpRequest, isCertificateTrouble, networkReason } from '@sigstack/http-client'

/** The way out, as `requestBounded` of `@sigstack/http-client` is. Throws `HttpError`. */
export type Exchange = (url: string, request: HttpRequest) => Promise<HttpAnswer>

const longestAnswerBytes = 4 << 20
/** Before the second try. */
const pauseMs = 1000
const json = 'application/json'

export type Way = {
  readonly exchange: Exchange
  readonly timeoutMs: number
}

type Body = { readonly type: string; readonly bytes: string | Uint8Array; readonly accept: string }

/** Why a service did not do what it was asked for, in its own words where it has some. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError'
  /** Of its answer, where there was one. */
  readonly status: number | undefined
  constructor(message: string, status?: number, options?: ErrorOptions) {
    super(message, options)
    this.status = status
  }
}

/** The log holds it already. */
export class ConflictError extends ServiceError {
  readonly location: string | undefined
  constructor(message: string, location: string | undefined) {
    super(message, 409)
    this.location = location
  }
}

/** Throws {@link ServiceError}, here and below. */
export async function post(url: string, body: JsonValue, way: Way): Promise<HttpAnswer> {
  return ask(url, { type: json, bytes: JSON.stringify(body), accept: json }, way)
}

/** Bytes of one media type, for those of another. */
export async function postBytes(
  url: string,
  { type, bytes, accept }: { readonly type: string; readonly bytes: Uint8Array; readonly accept: string },
  way: Way,
): Promise<HttpAnswer> {
  return ask(url, { type, bytes, accept }, way)
}

export async function get(url: string, way: Way): Promise<HttpAnswer> {
  return ask(url, undefined, way)
}

/** Once more where the service may only have been busy, or away for a moment. */
async function ask(url: string, body: Body | undefined, way: Way): Promise<HttpAnswer> {
  try {
    return await askOnce(url, body, way)
  } catch (error) {
    const { status } = error as ServiceError
    const isTemporary = status === undefined || status === 408 || status === 429 || status >= 500
    if (!(error instanceof ServiceError) || !isTemporary) throw error
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
    return askOnce(url, body, way)
  }
}

async function askOnce(
  url: string,
  body: Body | undefined,
  { exchange, timeoutMs }: Way,
): Promise<HttpAnswer> {
  let answer: HttpAnswer
  try {
    answer = await exchange(url, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { accept: body?.accept ?? json, ...(body && { 'content-type': body.type }) },
      ...(body && { body: body.bytes }),
      timeoutMs,
      maxBytes: longestAnswerBytes,
    })
  } catch (cause) {
    const reason = networkReason(cause)
    const untrusted = `its certificate is not trusted here (${reason}); NODE_EXTRA_CA_CERTS=FILE names your CA's`
    throw new ServiceError(isCertificateTrouble(cause) ? untrusted : reason, undefined, { cause })
  }
  const { status } = answer
  if (status >= 200 && status <= 299) return answer
  const message = `(${status}) ${reasonIn(answer)}`
  throw status === 409
    ? new ConflictError(message, answer.header('location'))
    : new ServiceError(message, status)
}

const longestReason = 500

/** Rekor and Fulcio say it in `message`, RFC 9457 in `detail`, a log of Rekor v2 that takes nothing in plain text. */
function reasonIn(answer: HttpAnswer): string {
  try {
    const body = jsonOf(answer)
    const said = memberAt(body, 'message') ?? memberAt(body, 'detail')
    if (typeof said === 'string' && said !== '') return said
  } catch {
    // Not everything on the way speaks JSON.
  }
  const text = /^text\/plain\b/i.test(answer.header('content-type') ?? '') ? answer.text().trim() : ''
  if (text !== '') return text.slice(0, longestReason)
  return 'no further reason is given'
}

export function jsonOf(answer: HttpAnswer): unknown {
  try {
    return JSON.parse(answer.text())
  } catch (cause) {
    throw new ServiceError('it answers with something that is no JSON', answer.status, { cause })
  }
}

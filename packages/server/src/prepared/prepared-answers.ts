/**
 * Answers that were given before and are the same for everybody: kept as bytes, so that who asks again is answered without the frame
 * (see ./answer-prepared.ts). The route decides what is kept and says whether it still holds.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { LRUCache } from 'lru-cache'
import type { PlainGet } from './plain-get.ts'

/** A GET and its answer of status 200, which differs in its request id and date alone. */
export type PreparedAnswer = {
  /** The pattern of its route, as counters have it. */
  readonly route: string
  /** The content type. Who asks for another one may be refused, and is answered by the route. */
  readonly type: string
  /** Headers without the first line and what differs, the empty line, and the body. */
  readonly bytes: Buffer
  /** Whether the route would answer the same now; where it would with another body alone, that body. */
  readonly isStill: () => boolean | Promise<boolean | Uint8Array>
}

export type PreparedAnswers = {
  /**
   * Keeps what `reply` is about to send with `body`, for this very target. `isStill` is asked each time: it may look at memory, or wait
   * for a moment.
   */
  keep(
    request: FastifyRequest,
    reply: FastifyReply,
    body: Uint8Array,
    isStill: PreparedAnswer['isStill'],
  ): void
  find(request: PlainGet): PreparedAnswer | undefined
  /** The answer with the body that the route would send now, kept in place of the one before. */
  renew(request: PlainGet, answer: PreparedAnswer, body: Uint8Array): PreparedAnswer
  /** What was given out in this way. */
  onAnswered(listener: (answer: PreparedAnswer, milliseconds: number) => void): void
  tellAnswered(answer: PreparedAnswer, milliseconds: number): void
}

/** Objects and what the allocator adds to an answer; a guess on the safe side. */
const overheadBytes = 600

/**
 * @param limitBytes Of all answers; the least recently given go first.
 * @param siteOf Which of several sites a host is, as a request names it; by default there is one. `undefined`: for it nothing is kept.
 */
export function createPreparedAnswers(
  limitBytes: number,
  siteOf: (host: string) => string | undefined = () => '',
): PreparedAnswers {
  const answers = new LRUCache<string, PreparedAnswer>({
    maxSize: limitBytes,
    // Whoever asks chooses how long a target is.
    sizeCalculation: ({ bytes }, place) => place.length + bytes.length + overheadBytes,
  })
  const listeners: ((answer: PreparedAnswer, milliseconds: number) => void)[] = []

  function placeOf(host: string, target: string): string | undefined {
    const site = siteOf(host)
    return site === undefined ? undefined : `${site}${target}`
  }

  function remember(place: string | undefined, answer: PreparedAnswer): void {
    if (place !== undefined) answers.set(place, answer)
  }

  return {
    keep: (request, reply, body, isStill) => {
      const target = request.raw.url
      if (request.raw.method !== 'GET' || target === undefined) return
      const type = String(reply.getHeader('content-type'))
      const bytes = joined(headOf(reply), body)
      const route = request.routeOptions.url ?? 'unmatched'
      remember(placeOf(request.host, target), { route, type, bytes, isStill })
    },
    find: ({ host, target, accept = '*/*' }) => {
      const place = placeOf(host, target)
      if (place === undefined) return undefined
      const answer = answers.get(place)
      return accept === '*/*' || accept === answer?.type ? answer : undefined
    },
    renew: ({ host, target }, answer, body) => {
      const lines = answer.bytes.toString('latin1', 0, answer.bytes.indexOf(endOfHead)).split('\r\n')
      const steady = lines.filter((line) => !line.startsWith('content-length:'))
      const renewed = { ...answer, bytes: joined(steady.join('\r\n'), body) }
      remember(placeOf(host, target), renewed)
      return renewed
    },
    onAnswered: (listener) => {
      listeners.push(listener)
    },
    tellAnswered: (answer, milliseconds) => {
      for (const listener of listeners) listener(answer, milliseconds)
    },
  }
}

const endOfHead = '\r\n\r\n'

function headOf(reply: FastifyReply): string {
  const lines: string[] = []
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (name === 'x-request-id' || name === 'content-length' || value === undefined) continue
    for (const one of [value].flat()) lines.push(`${name}: ${one}`)
  }
  return lines.join('\r\n')
}

function joined(steady: string, body: Uint8Array): Buffer {
  const head = `${steady}\r\ncontent-length: ${body.length}${endOfHead}`
  // Its own memory: a slice of a larger piece would hold all of that.
  const bytes = Buffer.allocUnsafeSlow(head.length + body.length)
  bytes.write(head, 'latin1')
  bytes.set(body, head.length)
  return bytes
}

/** One request sent as it stands, and the answer as it came: nothing is followed, decoded or made up. */
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

export type Request = {
  readonly method: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
}

/** Status 0 where no answer came; `body` then says why. */
export type Answer = {
  readonly status: number
  /** In lower case. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: Buffer
}

const timeoutMs = 30_000
const answerLimitBytes = 32 * 1024 * 1024

const pieceBytes = 256 * 1024
/** Between two pieces of a body, for a refusal to arrive in; longer each time that it was lost. */
const pausesMs = [25, 100, 400] as const

/** A server may refuse a large body and close before it has read all of it, and its answer may be lost in that: then it is asked again. */
export async function send(baseUrl: string, request: Request): Promise<Answer> {
  const body = Buffer.from(request.body ?? '')
  let answer = await sendOnce(baseUrl, request, body, pausesMs[0])
  for (const pauseMs of pausesMs.slice(1)) {
    if (answer.status !== 0 || body.length <= pieceBytes) break
    answer = await sendOnce(baseUrl, request, body, pauseMs)
  }
  return answer
}

function sendOnce(
  baseUrl: string,
  { method, path, headers = {}, body }: Request,
  bytes: Buffer,
  pauseMs: number,
): Promise<Answer> {
  return new Promise((resolve) => {
    const failed = (error: Error): void =>
      resolve({ status: 0, headers: new Map(), body: Buffer.from(error.message) })
    const length = body === undefined ? {} : { 'content-length': String(bytes.length) }
    const request = httpRequest(new URL(baseUrl), {
      method,
      path,
      headers: { ...length, ...headers },
      agent: false,
      timeout: timeoutMs,
    })
    let answered = false
    request.on('timeout', () => request.destroy(new Error(`no answer within ${timeoutMs} ms`)))
    request.on('error', (error) => {
      if (!answered) failed(error)
    })
    request.on('response', (response) => {
      answered = true
      readWhole(response).then(
        (whole) => resolve({ status: response.statusCode ?? 0, headers: headersOf(response), body: whole }),
        failed,
      )
    })
    void writeInPieces(request, bytes, pauseMs, () => answered)
  })
}

/** Stops when the answer is there: who writes on into a closed connection loses what it had to read. */
async function writeInPieces(
  request: ClientRequest,
  body: Buffer,
  pauseMs: number,
  isAnswered: () => boolean,
): Promise<void> {
  let at = 0
  for (; at + pieceBytes < body.length; at += pieceBytes) {
    request.write(body.subarray(at, at + pieceBytes))
    await sleep(pauseMs)
    if (isAnswered() || request.destroyed) return
  }
  request.end(body.subarray(at))
}

async function readWhole(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > answerLimitBytes) throw new Error(`an answer of more than ${answerLimitBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function headersOf({ headers }: IncomingMessage): ReadonlyMap<string, string> {
  return new Map(Object.entries(headers).map(([name, value]) => [name, [value].flat().join(', ')]))
}

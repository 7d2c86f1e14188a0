/**
 * One exchange of HTTP over a pool of undici, collected whole. Its own `request` makes a stream and a signal for each, which together cost
 * half as much again as the exchange.
 */
import { HttpError } from '@sigstack/http-client'
import type { Dispatcher } from 'undici'

export type Exchanged = {
  readonly status: number
  readonly retryAfter: string | undefined
  readonly body: Buffer
}

export type ExchangeLimits = {
  /** From now to the end of the answer; waiting for a free connection counts. */
  readonly timeoutMs: number
  readonly maxAnswerBytes: number
}

/** Throws HttpError `timeout` and `too_large`, and what undici says of a connection. */
export function exchange(
  dispatcher: Dispatcher,
  request: Dispatcher.DispatchOptions,
  { timeoutMs, maxAnswerBytes }: ExchangeLimits,
): Promise<Exchanged> {
  const { promise, resolve, reject } = Promise.withResolvers<Exchanged>()
  let underWay: Dispatcher.DispatchController | undefined
  let failure: Error | undefined
  let status = 0
  let retryAfter: string | undefined
  let bytes = 0
  const chunks: Buffer[] = []

  function fail(error: Error): void {
    failure ??= error
    clearTimeout(timer)
    reject(failure)
    if (underWay?.aborted === false) underWay.abort(failure)
  }
  const timer = setTimeout(
    () => fail(new HttpError('timeout', `no whole answer within ${timeoutMs} ms`)),
    timeoutMs,
  )

  dispatcher.dispatch(request, {
    onRequestStart: (controller) => {
      underWay = controller
      if (failure !== undefined) controller.abort(failure)
    },
    onResponseStart: (_controller, statusCode, headers) => {
      status = statusCode
      retryAfter = [headers['retry-after'] ?? []].flat()[0]
    },
    onResponseData: (_controller, chunk) => {
      bytes += chunk.length
      if (bytes > maxAnswerBytes) fail(new HttpError('too_large', `more than ${maxAnswerBytes} bytes`))
      else chunks.push(chunk)
    },
    onResponseEnd: () => {
      clearTimeout(timer)
      resolve({ status, retryAfter, body: Buffer.concat(chunks) })
    },
    onResponseError: (_controller, error) => fail(error),
  })
  return promise
}

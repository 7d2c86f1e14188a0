/** Two ways to put load on a server. Latencies are milliseconds; answers of another status than the wanted one are counted as failures. */
import { type HttpSocket, openSocket } from './http-socket.ts'

export type LoadResult = {
  readonly seconds: number
  readonly answered: number
  readonly failed: number
  readonly perSecond: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
  readonly max: number
  /** The first failure, for a person. */
  readonly firstFailure: string | undefined
}

export type Load = {
  readonly url: URL
  readonly seconds: number
  readonly status: number
  /** The next request to send; `undefined` ends the run early. */
  next(): Buffer | undefined
  /** What is wrong with the body of an answer with the wanted status, if anything. */
  faultOf?(body: Buffer): string | undefined
}

/** `clients` connections, each with one request under way at all times. */
export async function closedLoop(load: Load & { readonly clients: number }): Promise<LoadResult> {
  const recorder = createRecorder(load)
  const sockets = await openSockets(load.url, load.clients)
  const start = performance.now()
  const end = start + load.seconds * 1000
  await Promise.all(
    sockets.map(async (socket) => {
      while (performance.now() < end) {
        const request = load.next()
        if (request === undefined) return
        await recorder.record(socket, request, performance.now())
      }
    }),
  )
  const result = recorder.result((performance.now() - start) / 1000)
  for (const socket of sockets) socket.close()
  return result
}

/**
 * `perSecond` requests at fixed times, whatever the server does. A request that finds no free connection waits, and the wait
 * counts: latency runs from the time it was due.
 */
export async function openLoop(
  load: Load & { readonly perSecond: number; readonly connections: number },
): Promise<LoadResult> {
  const recorder = createRecorder(load)
  const sockets = await openSockets(load.url, load.connections)
  const free = [...sockets]
  const due: { request: Buffer; at: number }[] = []
  const underWay = new Set<Promise<void>>()
  const start = performance.now()
  const total = load.perSecond * load.seconds

  const dispatch = (): void => {
    while (due.length > 0 && free.length > 0) {
      const { request, at } = due.shift() as { request: Buffer; at: number }
      const socket = free.pop() as HttpSocket
      const work = recorder.record(socket, request, at).then(() => {
        free.push(socket)
        underWay.delete(work)
        dispatch()
      })
      underWay.add(work)
    }
  }
  for (let sent = 0; sent < total; ) {
    const now = performance.now()
    for (; sent < total && start + (sent * 1000) / load.perSecond <= now; sent++) {
      const request = load.next()
      if (request !== undefined) due.push({ request, at: start + (sent * 1000) / load.perSecond })
    }
    dispatch()
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  while (due.length > 0 || underWay.size > 0) await Promise.race(underWay)
  const result = recorder.result((performance.now() - start) / 1000)
  for (const socket of sockets) socket.close()
  return result
}

function openSockets(url: URL, count: number): Promise<HttpSocket[]> {
  return Promise.all(Array.from({ length: count }, () => openSocket(url)))
}

function createRecorder({ status: wantedStatus, faultOf = () => undefined }: Load) {
  const latencies: number[] = []
  let failed = 0
  let firstFailure: string | undefined
  return {
    record: async (socket: HttpSocket, request: Buffer, since: number): Promise<void> => {
      const { status, body } = await socket.send(request)
      const ms = performance.now() - since
      const fault =
        status === wantedStatus ? faultOf(body) : `${status} ${body.toString('utf8').slice(0, 300)}`
      if (fault === undefined) latencies.push(ms)
      else {
        failed++
        firstFailure ??= fault
      }
    },
    result: (seconds: number): LoadResult => {
      const sorted = Float64Array.from(latencies).sort()
      const quantile = (q: number): number =>
        sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN
      return {
        seconds,
        answered: sorted.length,
        failed,
        perSecond: sorted.length / seconds,
        p50: quantile(0.5),
        p95: quantile(0.95),
        p99: quantile(0.99),
        max: sorted.at(-1) ?? Number.NaN,
        firstFailure,
      }
    },
  }
}

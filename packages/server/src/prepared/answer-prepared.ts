/**
 * The short way from a socket to a prepared answer. A connection begins here, and stays as long as it asks for nothing else; with the
 * first other request, whatever it is, it goes to Node's parser and the frame for good, which read it from its first byte.
 */
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { createPlainGetReader } from './plain-get.ts'
import type { PreparedAnswer, PreparedAnswers } from './prepared-answers.ts'

/** Of the frame. Both are as the frame has them: an answer does not show which way it came. */
export type ShortWay = {
  readonly requestId: (request: Pick<IncomingMessage, 'headers'>) => string
}

const noHeaders = { headers: {} }
/** To copy so much costs less than two pieces in one write. */
const copiedBytes = 16_384

/** For servers of plain HTTP that are not listening yet. */
export function answerPrepared(
  app: FastifyInstance,
  prepared: PreparedAnswers,
  { requestId }: ShortWay,
): void {
  const { server } = app
  // Node's own, which was there first.
  const [parse] = server.listeners('connection') as ((socket: Socket) => void)[]
  if (parse === undefined) throw new Error('a server of HTTP listens to its connections')
  const open = new Set<Socket>()
  const date = createDate()
  const keepAlive = `Connection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(server.keepAliveTimeout / 1000)}\r\n`

  let isClosing = false

  function attend(socket: Socket): void {
    // Then Node looks after those that are idle.
    if (isClosing) return parse?.call(server, socket)
    const plainGetOf = createPlainGetReader()
    open.add(socket)
    socket.setTimeout(server.keepAliveTimeout + server.keepAliveTimeoutBuffer)

    function onData(chunk: Buffer): void {
      const began = performance.now()
      const asked = plainGetOf(chunk)
      const answer = asked && prepared.find(asked)
      const isStill = answer?.isStill() ?? false
      if (asked === undefined || answer === undefined || isStill === false) return handOver(chunk)
      if (isStill === true) return give(answer, began)
      socket.pause()
      // Its answer is waited for, also by who closes.
      open.delete(socket)
      void isStill
        .catch(() => false)
        .then((still) => {
          const current = typeof still === 'boolean' ? answer : prepared.renew(asked, answer, still)
          if (!socket.writable) return
          if (still === false) return handOver(chunk)
          give(current, began)
          if (isClosing) return void socket.end()
          open.add(socket)
          if (!socket.writableNeedDrain) socket.resume()
        })
    }

    function give(answer: PreparedAnswer, began: number): void {
      const head = `HTTP/1.1 200 OK\r\nx-request-id: ${requestId(noHeaders)}\r\nDate: ${date()}\r\n${keepAlive}`
      if (answer.bytes.length <= copiedBytes) {
        const whole = Buffer.allocUnsafe(head.length + answer.bytes.length)
        whole.write(head, 'latin1')
        whole.set(answer.bytes, head.length)
        socket.write(whole)
      } else {
        socket.cork()
        socket.write(head, 'latin1')
        socket.write(answer.bytes)
        socket.uncork()
      }
      // Who takes nothing is not read any further.
      if (socket.writableNeedDrain) {
        socket.pause()
        socket.once('drain', () => socket.resume())
      }
      prepared.tellAnswered(answer, performance.now() - began)
    }

    function handOver(chunk: Buffer): void {
      leave()
      socket.pause()
      socket.unshift(chunk)
      parse?.call(server, socket)
      socket.resume()
    }

    function leave(): void {
      open.delete(socket)
      socket.setTimeout(0)
      socket.off('data', onData).off('end', onEnd).off('error', ignore).off('timeout', onTimeout)
      socket.off('close', leave)
    }

    const onEnd = () => socket.end()
    const onTimeout = () => socket.destroy()
    socket.on('data', onData).on('end', onEnd).on('error', ignore).on('timeout', onTimeout)
    socket.once('close', leave)
  }

  server.off('connection', parse)
  server.on('connection', attend)
  app.addHook('preClose', (done) => {
    isClosing = true
    for (const socket of open) socket.end()
    done()
  })
}

/** `close` follows it. */
function ignore(): void {}

/** As Node has it: once a second. */
function createDate(): () => string {
  let second = 0
  let text = ''
  return () => {
    const now = Math.floor(Date.now() / 1000)
    if (now !== second) {
      second = now
      text = new Date(now * 1000).toUTCString()
    }
    return text
  }
}

import { createServer, type RequestListener, type Server } from 'node:http'
import { answerNoRequest } from './no-request.ts'
import { takingTurns } from './take-turns.ts'

/** A listener beside that of the frame, with the same bounds of a connection and the same words for what is no request. */
export function createPlainServer(handle: RequestListener): Server {
  const server = createServer(takingTurns(handle))
  server.on('clientError', answerNoRequest)
  return server
}

/** `POST /api/v2/log/entries` (rekor-v2.md sections 2, 5 and 7). */
import { admitBeforeBody } from '../../admission/before-body.ts'
import { askedLog } from './asked-log.ts'
import { conflictOf, createEntry } from './create-entry.ts'
import { sendJsonText, sendRefusal, sendText } from './reply.ts'
import type { Handler } from './route.ts'
import { encodeTransparencyLogEntry } from './transparency-log-entry.ts'

export const postEntry: Handler = (face) => {
  const { gate, bodyLimitBytes } = face
  const { hooks, senderOf } = admitBeforeBody(gate)
  return {
    bodyLimit: bodyLimitBytes,
    ...hooks,
    handler: async (request, reply) => {
      const text = typeof request.body === 'string' ? request.body : ''
      const sent = { text, address: request.ip, sender: senderOf(request) }
      const asked = await askedLog(face, request)
      const { proven, isConflict } = await createEntry(face, asked, sent)
      const { leafIndex } = proven.entry
      if (!isConflict) return sendJsonText(reply, 201, encodeTransparencyLogEntry(asked.logId, proven))
      const { status, code, message } = conflictOf(leafIndex)
      return sendRefusal(reply.header('x-log-index', String(leafIndex)), status, code, message)
    },
  }
}

/** Not in upstream, whose keys are told by other ways: whoever publishes the trust asks for it here. */
export const getPublicKey: Handler = (face) => ({
  handler: async (request, reply) => {
    const { publicKeyPem } = await askedLog(face, request)
    return sendText(reply, 'application/x-pem-file', publicKeyPem)
  },
})

/** As little in upstream: the keys of all logs that follow each other, and of the one that will come. */
export const getLine: Handler = ({ toldLine }) => ({
  handler: async (_request, reply) =>
    sendJsonText(reply.header('Cache-Control', 'no-store'), 200, Buffer.from(await toldLine())),
})

/** The process lives. The text is what compose files and load balancers test for. */
export const getHealth: Handler = () => ({
  handler: async (_request, reply) => sendJsonText(reply, 200, Buffer.from('{"status":"SERVING"}\n')),
})

/**
 * Who may enter the watch room, and whose forms it takes: alarms and watches tell of people, and closing one hides it from
 * others.
 */
import type { FastifyRequest } from 'fastify'
import { AccessError, assertOwnForm } from '../html/form.ts'
import type { Reader } from '../reader.ts'

/** Throws {@link AccessError}, before a body is read. */
export function assertMayEnter(request: FastifyRequest, { name, seesAlarms }: Reader): void {
  if (!seesAlarms)
    throw new AccessError(
      name !== undefined
        ? 'alarms and watches are for operators, and you are a reader'
        : 'alarms and watches are personal data: an open console shows them on the machine that it runs on alone, and only where it listens on loopback, without CONSOLE_HIDE_ADDRESSES; elsewhere CONSOLE_ACCESS=oidc or header tells operators apart',
    )
  if (request.method !== 'GET' && request.method !== 'HEAD') assertOwnForm(request)
}

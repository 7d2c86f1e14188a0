/**
 * Refusals in Rekor's shape: `{"code":<int>,"message":"<text>"}`, where `code` is the status, or 600 and the kind of
 * fault for a parameter or body that does not meet its schema (rekor-v1.md section 9.1).
 */

import type { QueryFault } from '../../search/errors.ts'

const schemaFault = {
  wrong_type: 601,
  required: 602,
  too_long: 603,
  too_short: 604,
  pattern: 605,
  not_in_list: 606,
  above_maximum: 608,
  below_minimum: 609,
  too_many_items: 611,
  too_few_items: 612,
} as const satisfies Record<QueryFault, number>

export type SchemaFault = keyof typeof schemaFault

/** Why a request was refused; the message is for the requester. */
export class RekorRefusal extends Error {
  override readonly name = 'RekorRefusal'
  readonly status: number
  /** As in the body: the status, or above 600. */
  readonly code: number
  constructor(status: number, message: string, options: { code?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.status = status
    this.code = options.code ?? status
  }
}

export function badSchema(fault: SchemaFault, message: string): RekorRefusal {
  return new RekorRefusal(422, message, { code: schemaFault[fault] })
}

export function badRequest(message: string, cause?: unknown): RekorRefusal {
  return new RekorRefusal(400, message, { cause })
}

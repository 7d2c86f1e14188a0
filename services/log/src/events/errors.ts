export type EventsErrorCode =
  /** The receiver is away or refuses: the events are delivered again later. */
  | 'not_taken'
  /** Another process delivers now. */
  | 'turn_lost'

/** Why events were not delivered. */
export class EventsError extends Error {
  override readonly name = 'EventsError'
  readonly code: EventsErrorCode
  constructor(code: EventsErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

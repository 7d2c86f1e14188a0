export type EventsErrorCode =
  /** The receiver is away or busy: the events are delivered again later. */
  | 'not_taken'
  /** The receiver refuses these events, and would again. */
  | 'refused'
  /** The receiver refuses, and it may be us or the place rather than the events. */
  | 'turned_away'
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

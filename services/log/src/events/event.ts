/** A CloudEvent in JSON, and its id: the entry's, so that a receiver can tell what it has seen already. */
export type NewEntryEvent = {
  readonly id: string
  readonly json: string
  /** The same without its data, for receivers that refuse it as it is. */
  readonly bareJson?: string
}

/** Told of events: whether the receiver took them. */
export type OnEvents = (contentType: string, status: 'SUCCESS' | 'ERROR', count: number) => void

export const eventType = 'application/cloudevents+json'

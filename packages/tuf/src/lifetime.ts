/** How long metadata is good for, and when it is made anew although nothing changed. */

/** Seconds of each role's validity. */
export type Lifetimes = {
  /** Of root, targets and snapshot. */
  readonly metadataSeconds: number
  /** Of the timestamp: how long a client may be kept from news, and how long this service may be down. */
  readonly timestampSeconds: number
}

/** As clients read it: whole seconds, UTC. */
export function expiryAfter(now: Date, seconds: number): string {
  return new Date(now.getTime() + seconds * 1000).toISOString().replace(/\.\d{3}Z$/, 'Z')
}

/** A year's document is renewed when half of it is over. */
export function isHalfOver(expires: string, now: Date, seconds: number): boolean {
  return secondsLeft(expires, now) < seconds / 2
}

/** A week's timestamp is renewed every day, so that an outage leaves clients six more. */
export function isSeventhOver(expires: string, now: Date, seconds: number): boolean {
  return secondsLeft(expires, now) < (seconds * 6) / 7
}

/** Negative when it is over. */
function secondsLeft(expires: string, now: Date): number {
  return (Date.parse(expires) - now.getTime()) / 1000
}

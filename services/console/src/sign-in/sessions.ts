/** Who is signed in, and for how long. The browser keeps it under a seal, so that any copy of the console knows it. */
import { randomUUID } from 'node:crypto'
import { isObject } from '@sigstack/crypto'
import type { Cookie } from './cookies.ts'
import type { Seal } from './seal.ts'

export type Session = {
  readonly id: string
  readonly name: string
  readonly role: 'reader' | 'operator'
  /** Milliseconds since the epoch. */
  readonly endsAt: number
}

export type Sessions = {
  /** By the header `cookie`. Undefined: nobody, or one whose time is over. */
  of(cookies: string | undefined): Session | undefined
  /** For the header `set-cookie`. */
  begin(who: Pick<Session, 'name' | 'role'>): string
  /** The same; a copy of the cookie is worth nothing here from then on. */
  end(session: Session): string
}

export type SessionOptions = {
  readonly seal: Seal
  readonly cookie: Cookie
  readonly seconds: number
  readonly now: () => number
}

/** Of sessions that were ended before their time. */
const mostEnded = 10_000

export function createSessions({ seal, cookie, seconds, now }: SessionOptions): Sessions {
  /** Each with its end, after which nobody need know of it. */
  const ended = new Map<string, number>()
  return {
    of(cookies) {
      const sealed = cookie.in(cookies)
      const session = sealed === undefined ? undefined : seal.open(sealed)
      if (!isObject(session)) return undefined
      const { id, name, role, endsAt } = session as Session
      return now() < endsAt && !ended.has(id) ? { id, name, role, endsAt } : undefined
    },
    begin: ({ name, role }) =>
      cookie.set(seal.seal({ id: randomUUID(), name, role, endsAt: now() + seconds * 1000 }), seconds),
    end({ id, endsAt }) {
      for (const [other, end] of ended) if (end <= now() || ended.size >= mostEnded) ended.delete(other)
      ended.set(id, endsAt)
      return cookie.clear()
    },
  }
}

/**
 * Whether this machine's clock can be believed: it is compared with others now and then, and in between with the clock that
 * only counts forward, so that a jump is noticed by the next stamp and not a minute later.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { StampRefusal } from '../stamping/refusals.ts'

/** Another clock. Rejects when it cannot be read. */
export type OtherClock = {
  /** For metrics and messages. */
  readonly name: string
  readonly kind: 'ntp' | 'database'
  /** How far it is ahead of this machine, in milliseconds. */
  readDifference(): Promise<number>
}

export type Unsure = 'err_too_few' | 'err_inv_time'

export type ClockGuardOptions = {
  readonly clocks: readonly OtherClock[]
  /** Of those of kind `ntp`, so many must answer and agree; of others each. */
  readonly ntpAnswers: number
  readonly checkMs: number
  readonly maxDifferenceMs: number
  readonly whenUnsure: 'refuse' | 'stamp'
  /** Milliseconds of this machine's clock, and of one that only counts forward. */
  readonly now: () => number
  readonly monotonic: () => number
  readonly onDifference?: (clock: OtherClock, differenceMs: number) => void
  /** Each look that finds the clock unsure. */
  readonly onUnsure?: (reason: Unsure) => void
  /** When it changes whether the clock is believed. */
  readonly onChange?: (unsure: Unsure | undefined, state: string) => void
}

export type ClockGuard = {
  /** Throws a `StampRefusal` where the time is unsure and is not to be stamped. */
  demand(): void
  refuses(): boolean
  /** `ok`, or what is wrong, in a short sentence. */
  state(): string
  /** Looks now. Never throws. */
  check(): Promise<void>
  /** Looks again and again until `signal` is aborted. */
  run(signal: AbortSignal): Promise<void>
}

const notYet = 'not compared with other clocks yet'
const nobody = 'ok: there is no other clock to compare with'

export function createClockGuard(options: ClockGuardOptions): ClockGuard {
  const { clocks, ntpAnswers, checkMs, maxDifferenceMs, whenUnsure, now, monotonic } = options
  const isAlone = clocks.length === 0
  let unsure: Unsure | undefined = isAlone ? undefined : 'err_too_few'
  let state = isAlone ? nobody : notYet
  /** What the two clocks of this machine differed by when it was last looked at. */
  let base = now() - monotonic()
  let checking: Promise<void> | undefined

  const conclude = (reason: Unsure | undefined, sentence: string): void => {
    if (reason !== undefined) options.onUnsure?.(reason)
    const isNews = reason !== unsure || state === notYet
    unsure = reason
    state = sentence
    if (isNews) options.onChange?.(reason, sentence)
  }

  const noteJump = (): void => {
    if (isAlone || unsure !== undefined) return
    const jump = now() - monotonic() - base
    if (Math.abs(jump) <= maxDifferenceMs) return
    conclude('err_inv_time', `the clock of this machine jumped by ${Math.round(jump)} ms`)
    void check()
  }

  async function checkOnce(): Promise<void> {
    const before = now() - monotonic()
    const readings = await Promise.all(clocks.map((clock) => read(clock)))
    // It is this machine's clock of before the questions that the answers are about.
    base = before
    const answered = readings.flatMap((reading) => reading ?? [])
    const agree = answered.filter(({ differenceMs }) => Math.abs(differenceMs) <= maxDifferenceMs)
    const ofKind = (list: readonly { readonly clock: OtherClock }[], kind: OtherClock['kind']) =>
      list.filter(({ clock }) => clock.kind === kind).length
    const wanted = {
      ntp: ntpAnswers,
      database: ofKind(
        clocks.map((clock) => ({ clock })),
        'database',
      ),
    }
    const lacks = (list: readonly { readonly clock: OtherClock }[]) =>
      (['ntp', 'database'] as const).some((kind) => ofKind(list, kind) < wanted[kind])
    if (lacks(answered))
      conclude('err_too_few', `only ${answered.length} of ${clocks.length} other clocks can be read`)
    else if (lacks(agree)) {
      const worst = answered.toSorted((a, b) => Math.abs(b.differenceMs) - Math.abs(a.differenceMs))[0]
      conclude(
        'err_inv_time',
        `the clock of this machine is ${away(worst?.differenceMs ?? 0)} ${worst?.clock.name ?? ''}`,
      )
    } else conclude(undefined, 'ok')
  }

  async function read(
    clock: OtherClock,
  ): Promise<{ readonly clock: OtherClock; readonly differenceMs: number } | undefined> {
    try {
      const differenceMs = await clock.readDifference()
      options.onDifference?.(clock, differenceMs)
      return { clock, differenceMs }
    } catch {
      return undefined
    }
  }

  function check(): Promise<void> {
    checking ??= checkOnce().finally(() => {
      checking = undefined
    })
    return checking
  }

  const refuses = (): boolean => {
    noteJump()
    return unsure !== undefined && whenUnsure === 'refuse'
  }

  return {
    demand() {
      if (refuses()) throw new StampRefusal('clock_unsure', state)
    },
    refuses,
    state: () => state,
    check,
    async run(signal) {
      while (!isAlone && !signal.aborted) {
        await check()
        await sleep(checkMs, undefined, { signal, ref: false }).catch(() => undefined)
      }
    },
  }
}

/** Of this machine, by how far another clock is ahead of it. */
function away(differenceMs: number): string {
  return `${Math.round(Math.abs(differenceMs))} ms ${differenceMs > 0 ? 'behind' : 'ahead of'}`
}

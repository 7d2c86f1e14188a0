/** Rules as people write them: `20/s`, `600/min burst 100`, and several with commas between. */
import { quoted } from '@sigstack/crypto'
import { LimitsError } from './errors.ts'
import type { Rule } from './limiter.ts'

const form = /^([1-9]\d{0,8})\/(s|min|h)(?: burst ([1-9]\d{0,8}))?$/
const secondsOf: Readonly<Record<string, number>> = { s: 1, min: 60, h: 3600 }
const mostRules = 8

/** Without `burst` a bucket holds what comes in one period. A blank text is no rule. Throws {@link LimitsError}. */
export function parseRules(text: string): readonly Rule[] {
  const parts = text.trim() === '' ? [] : text.split(',').map((part) => part.trim())
  if (parts.length > mostRules) {
    throw new LimitsError('bad_rule', `${parts.length} limits where at most ${mostRules} are meant`)
  }
  return parts.map((part) => {
    const [, count, period = '', burst] = form.exec(part) ?? []
    if (count === undefined) {
      throw new LimitsError(
        'bad_rule',
        `${quoted(part, 60)} is no limit; write it like '20/s', '600/min' or '600/min burst 100'`,
      )
    }
    return { perSecond: Number(count) / (secondsOf[period] ?? 1), burst: Number(burst ?? count) }
  })
}

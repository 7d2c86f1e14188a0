/**
 * For programs that are seldom at work, or that let much garbage pass through: a young generation that does not grow is cleared often.
 * What has been loaded by then decides too, so it is called before anything else is loaded. Loads nothing itself.
 */
import { setFlagsFromString } from 'node:v8'

export function keepMemoryLittle(): void {
  setFlagsFromString('--semi-space-growth-factor=1')
}

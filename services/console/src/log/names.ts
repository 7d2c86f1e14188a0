import type { LogName } from './newest.ts'

/** For people. */
export const logNames: Readonly<Record<LogName, string>> = {
  'rekor-v1': 'Rekor',
  'rekor-v2': 'Rekor v2',
  ct: 'Log of certificates',
}

import { memberAt } from '@sigstack/crypto'

/** The text at that place of JSON from elsewhere; undefined for anything else that may stand there. */
export function textAt(value: unknown, ...path: readonly (string | number)[]): string | undefined {
  const found = memberAt(value, ...path)
  return typeof found === 'string' ? found : undefined
}

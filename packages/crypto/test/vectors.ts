/** Reads the vectors beside it; their origins are in vectors/README.md. */
import { readFileSync } from 'node:fs'

export function json<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`./vectors/${name}`, import.meta.url), 'utf8')) as T
}

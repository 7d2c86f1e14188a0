/** What it takes to find a key: the world around a command, as values. */
import type { Exchange } from '../services/ask-service.ts'

export type KeyContext = {
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly exchange: Exchange
  /** The text at a path or URL; `what` says in words what is looked for. */
  read(location: string, what: string): Promise<string>
  /** Asked for when there is a key that wants it. */
  password(): Promise<string>
}

/** What the fault run and its checker, a process of its own, say to each other. */
import type { Counts, LogEntry } from './checker.ts'

export type Question = { readonly id: number } & (
  | { readonly ask: 'trust'; readonly keysPem: readonly string[] }
  | { readonly ask: 'hold'; readonly uuid: string; readonly entry: LogEntry }
  | { readonly ask: 'watch'; readonly urls: readonly string[] }
  | { readonly ask: 'confront'; readonly url: string }
)

/** `error` is also set when something was found outside of any question, such as a fork seen while watching. */
export type Answer = { readonly id: number; readonly counts: Counts; readonly error?: string }

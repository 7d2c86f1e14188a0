/** What the thread of the follower is started with, asked, and answers. */
import type { Turn } from './turn.ts'

export type ThreadData = { readonly databaseUrl: string; readonly logId: Uint8Array }

export type Request = 'turn' | 'stop'

export type Reply =
  | { readonly turn: Turn }
  | { readonly failed: string }
  /** Of one entry; the turn goes on. */
  | { readonly trouble: string }

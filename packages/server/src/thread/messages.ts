/** What goes to a supervised thread, and what comes back. */

export type Asked<Request> = { readonly id: number; readonly request: Request } | { readonly end: true }

export type Told<Answer> =
  | { readonly id: number; readonly answer: Answer }
  | { readonly id: number; readonly failed: { readonly message: string; readonly stack?: string } }
  | { readonly news: unknown }
  /** It has loaded what it needs. */
  | { readonly isReady: true }

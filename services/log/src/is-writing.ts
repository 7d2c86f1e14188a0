/** How long readers make room for writers after an entry. */
const momentMs = 250

export type WritingWatch = {
  /** Whether entries were written by this process a moment ago. */
  isWriting(): boolean
  /** They are being written now. */
  wrote(): void
}

export function watchWriting(): WritingWatch {
  let lastMs = Number.NEGATIVE_INFINITY
  return {
    isWriting: () => performance.now() - lastMs < momentMs,
    wrote: () => {
      lastMs = performance.now()
    },
  }
}

/** Of one log. */
export function isWritingOf(onAppended: (listener: () => void) => void): () => boolean {
  const { isWriting, wrote } = watchWriting()
  onAppended(wrote)
  return isWriting
}

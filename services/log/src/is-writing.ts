/** How long readers make room for writers after an entry. */
const momentMs = 250

/** Whether entries were written by this process a moment ago. */
export function isWritingOf(onAppended: (listener: () => void) => void): () => boolean {
  let lastMs = Number.NEGATIVE_INFINITY
  onAppended(() => {
    lastMs = performance.now()
  })
  return () => performance.now() - lastMs < momentMs
}

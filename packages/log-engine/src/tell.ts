/** Tells an observer, whose mistakes are not those of whoever tells. */
export function tell<T>(
  observer: ((news: T) => void) | undefined,
  news: T,
  onError: (error: unknown) => void,
): void {
  try {
    observer?.(news)
  } catch (error) {
    onError(error)
  }
}

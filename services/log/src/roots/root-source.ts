import { type AcceptedRoots, acceptedRoots, type RootSource } from './accepted-roots.ts'

export const mostRoots = 100
const emptyPauseMs = 50

/**
 * A source that asks `load` at most once at a time and not more often than every `minimumPauseMs`, however many
 * submissions with unknown roots arrive. `load` answers `undefined` when nothing changed.
 */
export function createRootSource(options: {
  readonly load: () => Promise<AcceptedRoots | undefined>
  readonly minimumPauseMs: number
  readonly onError: (error: unknown) => void
}): RootSource {
  let roots = acceptedRoots([])
  let loading: Promise<void> | undefined
  let loadedAt = Number.NEGATIVE_INFINITY

  async function load(): Promise<void> {
    try {
      roots = (await options.load()) ?? roots
    } catch (error) {
      options.onError(error)
    } finally {
      loadedAt = performance.now()
      loading = undefined
    }
  }

  return {
    current: () => roots,
    refresh: async () => {
      // Without any root nothing can be logged, so waiting for them must not wait long.
      const pauseMs = roots.certificates.length === 0 ? emptyPauseMs : options.minimumPauseMs
      if (loading === undefined && performance.now() - loadedAt < pauseMs) return
      loading ??= load()
      await loading
    },
  }
}

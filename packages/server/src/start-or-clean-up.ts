import type { Cleanups } from './cleanups.ts'
import type { Logger } from './logger.ts'

/** Runs `start`. When it throws, what it had opened is closed again first, and trouble with that is only recorded. */
export async function startOrCleanUp<T>(
  start: () => Promise<T>,
  { cleanups, logger }: { readonly cleanups: Cleanups; readonly logger: Logger },
): Promise<T> {
  try {
    return await start()
  } catch (error) {
    await cleanups.run().catch((cause: unknown) => logger.error({ err: cause }, 'stopping failed'))
    throw error
  }
}

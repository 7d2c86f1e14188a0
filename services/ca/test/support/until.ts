import { setTimeout as sleep } from 'node:timers/promises'

/** Waits for the condition, or until no machine is slow enough to explain it; the assertion after it tells. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 60_000; Date.now() < end && !(await condition()); ) await sleep(30)
}

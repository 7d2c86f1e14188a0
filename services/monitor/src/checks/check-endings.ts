/** Trust material that ends soon is an alarm until something newer is published. */
import type { Conditions } from '../alarms/conditions.ts'
import type { Ending } from './ending.ts'

const shortMs = 2 * 86_400_000
const dayMs = 86_400_000

export async function tellEndings(
  endings: readonly Ending[],
  {
    conditions,
    nowMs,
    expiryMs,
  }: { readonly conditions: Conditions; readonly nowMs: number; readonly expiryMs: number },
): Promise<void> {
  for (const { what, endsAt, isShortLived } of endings) {
    const leftMs = endsAt.getTime() - nowMs
    if (leftMs > (isShortLived ? shortMs : expiryMs)) {
      await conditions.pass('expiring', what)
      continue
    }
    await conditions.hold('expiring', what, () => ({
      summary:
        leftMs < 0
          ? `${what} has ended, at ${endsAt.toISOString()}`
          : `${what} ends at ${endsAt.toISOString()}, in ${Math.floor(leftMs / dayMs)} days`,
      detail: { endsAt: endsAt.toISOString() },
    }))
  }
}

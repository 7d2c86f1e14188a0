/** What the operator has set about the Rekor face, put together: gate, attestations, large bodies. */
import type { Pool } from '@sigstack/postgres'
import type { EntryPolicy } from '@sigstack/rekor-entries'
import type { Logger } from '@sigstack/server'
import { openGate } from '../../admission/open-gate.ts'
import { openAttestations } from '../../attestations/store.ts'
import { openLargeBodies } from '../../verification/large-bodies.ts'
import { workRefusalOf } from '../../verification/refusal.ts'
import type { RekorConfig } from './config.ts'
import type { RekorMetrics } from './metrics.ts'
import type { RekorV1Settings } from './settings.ts'

export type SettingsContext = {
  readonly pool: Pool
  readonly logger: Logger
  readonly policy: EntryPolicy
  readonly metrics: Pick<RekorMetrics, 'attested' | 'decided' | 'workRefused'>
  /** Takes what is to be stopped with the log. */
  readonly onStop: (stop: () => Promise<void> | void) => void
}

export type OpenSettings = {
  readonly settings: RekorV1Settings
  /** Why the rules for writers as they are now are not in force, where there is a file of them. */
  readonly admissionFault?: () => string | undefined
}

/** Throws when the file of rules cannot be used: a log must not start open by mistake. */
export async function openSettings(config: RekorConfig, context: SettingsContext): Promise<OpenSettings> {
  const { pool, logger, policy, metrics, onStop } = context
  const { duplicates, enabledEndpoints, attestations } = config
  const largeBodies = openLargeBodies({ policy })
  onStop(() => largeBodies.stop())
  const count = (error: unknown): never => {
    const reason = workRefusalOf(error)
    if (reason !== undefined) metrics.workRefused(reason)
    throw error
  }
  const { admissionFault, ...gate } = await openGate(config, { logger, onDecision: metrics.decided, onStop })
  const settings: RekorV1Settings = {
    ...(duplicates !== undefined && { duplicates }),
    ...(enabledEndpoints !== undefined && { enabledEndpoints }),
    ...gate,
    ...(attestations !== undefined && {
      attestations: await openAttestations({
        pool,
        ...attestations,
        onOutcome: metrics.attested,
        onError: (error) => logger.warn({ err: error }, 'an attestation could not be kept or read'),
      }),
    }),
    largeBodies: {
      ...largeBodies,
      verifyEntry: (body, sender) => largeBodies.verifyEntry(body, sender).catch(count),
      verifyQuery: (body, sender) => largeBodies.verifyQuery(body, sender).catch(count),
    },
  }
  return { settings, ...(admissionFault !== undefined && { admissionFault }) }
}

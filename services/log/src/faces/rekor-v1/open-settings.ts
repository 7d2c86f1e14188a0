/** What the operator has set about the Rekor face, put together: gate, attestations, large bodies. */
import { reasonOf } from '@sigstack/crypto'
import type { Pool } from '@sigstack/postgres'
import type { EntryPolicy } from '@sigstack/rekor-entries'
import type { Logger, Reloading } from '@sigstack/server'
import { createGate, type GateOptions } from '../../admission/gate.ts'
import { openAddressLimiter, openFirstTimes, openLimiter } from '../../admission/open-limiter.ts'
import type { Policy } from '../../admission/policy.ts'
import { followPolicy } from '../../admission/policy-file.ts'
import { createIdentifySender } from '../../admission/senders.ts'
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
  readonly metrics: Pick<RekorMetrics, 'attested' | 'decided' | 'eventRefused' | 'published' | 'workRefused'>
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
  const { admissionFault, ...gate } = await openGate(config, context)
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

async function openGate(
  config: RekorConfig,
  context: SettingsContext,
): Promise<Pick<RekorV1Settings, 'gate'> & Pick<OpenSettings, 'admissionFault'>> {
  const { logger, metrics, onStop } = context
  const { admissionFile, identityLimits = [] } = config
  const following = admissionFile === undefined ? undefined : await openPolicy(admissionFile)
  const addressLimiter = openAddressLimiter('log-address', config, context)
  const gate: GateOptions = {
    ...(addressLimiter !== undefined && { addressLimiter }),
    ...(identityLimits.length > 0 && {
      identityLimiter: openLimiter('log-identity', identityLimits, config, context),
      countedSignatures: openFirstTimes('log-identity', config, context),
    }),
    ...(following !== undefined && { policy: following.current }),
    ...(config.senders !== undefined && { identifySender: createIdentifySender(config.senders) }),
    onDecision: metrics.decided,
  }
  const hasNone = Object.keys(gate).every((name) => name === 'onDecision')
  if (hasNone) return {}
  return { gate: createGate(gate), ...(following !== undefined && { admissionFault: following.fault }) }

  async function openPolicy(file: string): Promise<Reloading<Policy>> {
    const notice = ({ notices }: Policy): void => {
      for (const text of notices) logger.warn({ file }, text)
    }
    const following = await followPolicy(file, {
      onReload: (policy) => {
        logger.info({ file, rules: policy.rules.length }, 'the rules for writers were read again')
        notice(policy)
      },
      onFault: (error) =>
        logger.error(
          { file, reason: reasonOf(error) },
          'the changed rules for writers have a fault: those before stay in force',
        ),
      onChainFault: (error) =>
        logger.warn({ file, reason: reasonOf(error) }, 'the chains of a CA that rules name cannot be read'),
    })
    onStop(() => following.stop())
    notice(following.current())
    return following
  }
}

/** What the operator has set about the Rekor face, put together: gate, attestations, large bodies. */
import { createLimiter, type Limiter, type Rule } from '@sigstack/limits'
import type { Pool } from '@sigstack/postgres'
import type { EntryPolicy } from '@sigstack/rekor-entries'
import type { Logger } from '@sigstack/server'
import { createGate, type GateOptions } from './admission/gate.ts'
import { followPolicy } from './admission/policy-file.ts'
import { openAttestations } from './attestations/store.ts'
import type { RekorV1Settings } from './faces/rekor-v1/index.ts'
import type { RekorConfig } from './rekor-config.ts'
import type { RekorMetrics } from './rekor-metrics.ts'
import { openLargeBodies } from './verification/large-bodies.ts'

export type SettingsContext = {
  readonly pool: Pool
  readonly logger: Logger
  readonly policy: EntryPolicy
  readonly metrics: Pick<RekorMetrics, 'attested' | 'decided' | 'published'>
  /** Takes what is to be stopped with the log. */
  readonly onStop: (stop: () => Promise<void> | void) => void
}

/** Throws when the file of rules cannot be used: a log must not start open by mistake. */
export async function openSettings(config: RekorConfig, context: SettingsContext): Promise<RekorV1Settings> {
  const { pool, logger, policy, metrics, onStop } = context
  const { duplicates, enabledEndpoints, attestations } = config
  const largeBodies = openLargeBodies({ policy })
  onStop(() => largeBodies.stop())
  return {
    ...(duplicates !== undefined && { duplicates }),
    ...(enabledEndpoints !== undefined && { enabledEndpoints }),
    ...(await openGate(config, context)),
    ...(attestations !== undefined && {
      attestations: await openAttestations({
        pool,
        ...attestations,
        onOutcome: metrics.attested,
        onError: (error) => logger.warn({ err: error }, 'an attestation could not be kept or read'),
      }),
    }),
    largeBodies,
  }
}

async function openGate(
  config: RekorConfig,
  { logger, metrics, onStop }: SettingsContext,
): Promise<Pick<RekorV1Settings, 'gate'>> {
  const { admissionFile, addressLimits = [], identityLimits = [], redisUrl } = config
  const limiter = (name: string, rules: readonly Rule[]): Limiter => {
    const opened = createLimiter({
      name,
      rules,
      ...(redisUrl !== undefined && { redisUrl }),
      onReachable: (reachable, reason) =>
        reachable
          ? logger.info({ limits: name }, 'limits are shared through Redis')
          : logger.warn(
              { limits: name, reason },
              'Redis is unreachable: limits are counted here alone meanwhile',
            ),
    })
    onStop(() => opened.stop())
    return opened
  }
  const gate: GateOptions = {
    ...(addressLimits.length > 0 && { addressLimiter: limiter('log-address', addressLimits) }),
    ...(identityLimits.length > 0 && { identityLimiter: limiter('log-identity', identityLimits) }),
    ...(admissionFile !== undefined && { policy: await openPolicy(admissionFile) }),
    onDecision: metrics.decided,
  }
  const hasNone =
    gate.policy === undefined && gate.addressLimiter === undefined && gate.identityLimiter === undefined
  return hasNone ? {} : { gate: createGate(gate) }

  async function openPolicy(file: string): Promise<NonNullable<GateOptions['policy']>> {
    const following = await followPolicy(file, {
      onReload: ({ rules }) =>
        logger.info({ file, rules: rules.length }, 'the rules for writers were read again'),
      onFault: (error) =>
        logger.error(
          { err: error, file },
          'the changed rules for writers have a fault: those before stay in force',
        ),
    })
    onStop(() => following.stop())
    return () => following.current()
  }
}

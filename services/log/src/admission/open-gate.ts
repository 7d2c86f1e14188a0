/** The gate of a Rekor log, as the operator has set it: rules of a file, limits, senders. */
import { reasonOf } from '@sigstack/crypto'
import type { Rule } from '@sigstack/limits'
import type { Logger, Reloading } from '@sigstack/server'
import { createGate, type Gate, type GateOptions } from './gate.ts'
import type { LimitsConfig } from './limits-config.ts'
import { openAddressLimiter, openFirstTimes, openLimiter } from './open-limiter.ts'
import type { Policy } from './policy.ts'
import { followPolicy } from './policy-file.ts'
import { createIdentifySender, type SenderOptions } from './senders.ts'

export type GateConfig = LimitsConfig & {
  readonly admissionFile?: string
  readonly senders?: Pick<SenderOptions, 'issuer' | 'audience' | 'keysUrl'>
  readonly identityLimits?: readonly Rule[]
}

export type GateContext = {
  readonly logger: Logger
  readonly onDecision: NonNullable<GateOptions['onDecision']>
  /** Takes what is to be stopped with the log. */
  readonly onStop: (stop: () => Promise<void> | void) => void
}

export type OpenGate = {
  /** Left out where everybody may write as often as they like. */
  readonly gate?: Gate
  /** Why the rules for writers as they are now are not in force, where there is a file of them. */
  readonly admissionFault?: () => string | undefined
}

/** Throws when the file of rules cannot be used: a log must not start open by mistake. */
export async function openGate(config: GateConfig, context: GateContext): Promise<OpenGate> {
  const { logger, onDecision, onStop } = context
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
    onDecision,
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

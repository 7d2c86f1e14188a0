/** How the heads of a log are signed beyond its own key: by witnesses, and by a second key of the log. */
import { readFile } from 'node:fs/promises'
import { CheckpointError, parseWitnessPolicy, type WitnessPolicy } from '@sigstack/checkpoint'
import { reasonOf } from '@sigstack/crypto'
import type { LogOptions } from '@sigstack/log-engine'
import type { Logger, Registry } from '@sigstack/server'
import { loadOrCreateMlDsaSigner } from '@sigstack/signers'
import { Counter } from 'prom-client'
import type { WitnessConfig } from './config.ts'
import { createFeed, type FeedWitness } from './feed.ts'
import { withMlDsaLine } from './ml-dsa-line.ts'
import { createWitnessClient } from './witness-client.ts'

/** What a dialect says of its heads, and what is done in its place. One call for each log. */
export type HeadsOf = (
  dialect: Pick<LogOptions, 'signCheckpoint'>,
) => Pick<LogOptions, 'signCheckpoint' | 'cosigning'>

export type HeadsConfig = {
  readonly witnesses?: WitnessConfig
  /** File of an ML-DSA-44 key. */
  readonly mlDsaKeyPath?: string
  readonly keyPassword: string
}

export type HeadsContext = {
  readonly logger: Logger
  readonly registry: Registry
  readonly now: () => number
}

/** Throws one sentence when the policy or the key cannot be read. */
export async function openHeads(config: HeadsConfig, context: HeadsContext): Promise<HeadsOf> {
  const { witnesses, mlDsaKeyPath, keyPassword } = config
  const { now } = context
  const mlDsa = mlDsaKeyPath && (await loadOrCreateMlDsaSigner(mlDsaKeyPath, keyPassword))
  const cosigning = witnesses && (await openCosigning(witnesses, context))
  return ({ signCheckpoint }) => ({
    signCheckpoint: mlDsa ? withMlDsaLine(signCheckpoint, mlDsa, now) : signCheckpoint,
    ...(cosigning !== undefined && { cosigning: cosigning() }),
  })
}

async function openCosigning(config: WitnessConfig, { logger, registry }: HeadsContext) {
  const policy = await readPolicy(config.policyFile)
  const registers = [registry]
  const submissions = new Counter({
    name: 'log_witness_submissions_total',
    help: 'Checkpoints shown to a witness, by whether it signed',
    labelNames: ['witness', 'outcome'],
    registers,
  })
  const rounds = new Counter({
    name: 'log_witness_rounds_total',
    help: 'Checkpoints shown to all witnesses, by whether enough signed',
    labelNames: ['quorum'],
    registers,
  })
  /** Told when it changes, not each time. */
  const failing = new Map<string, string>()
  const onAnswer = (witness: string, failure: string | undefined) => {
    submissions.inc({ witness, outcome: failure === undefined ? 'cosigned' : 'failed' })
    if (failure === failing.get(witness)) return
    if (failure === undefined) {
      failing.delete(witness)
      return logger.info({ witness }, 'the witness signs again')
    }
    failing.set(witness, failure)
    logger.warn({ witness, reason: failure }, 'the witness does not sign')
  }
  return () =>
    createFeed({
      witnesses: clientsOf(policy, config.timeoutMs),
      quorum: policy.quorum,
      waitMs: config.waitMs,
      demands: config.mode === 'require',
      republishMs: config.republishMs,
      onAnswer,
      onRound: (hasQuorum) => rounds.inc({ quorum: hasQuorum ? 'reached' : 'missed' }),
    })
}

/** One for each URL: a witness with two keys stands in two lines of the policy. */
function clientsOf({ witnesses }: WitnessPolicy, timeoutMs: number): readonly FeedWitness[] {
  const byUrl = Map.groupBy(witnesses, ({ url = '' }) => url)
  return [...byUrl].map(([url, lines]) => ({
    name: lines.map(({ name }) => name).join(' '),
    client: createWitnessClient({ url, keys: lines.map(({ key }) => key), timeoutMs }),
  }))
}

async function readPolicy(file: string): Promise<WitnessPolicy> {
  let policy: WitnessPolicy
  try {
    policy = parseWitnessPolicy(await readFile(file, 'utf8'))
  } catch (cause) {
    const what = cause instanceof CheckpointError ? 'has a fault' : 'cannot be read'
    throw new Error(`LOG_WITNESS_POLICY_FILE: ${file} ${what}: ${reasonOf(cause)}`, { cause })
  }
  const mute = policy.witnesses.find(({ url }) => url === undefined)
  if (mute !== undefined)
    throw new Error(`LOG_WITNESS_POLICY_FILE: the witness ${mute.name} has no URL to be asked at`)
  if (policy.witnesses.length === 0) throw new Error(`LOG_WITNESS_POLICY_FILE: ${file} names no witness`)
  return policy
}

/** The work of a monitor beside its API: rounds over the logs, and messages. */
import { readFile } from 'node:fs/promises'
import { setImmediate as breathe } from 'node:timers/promises'
import { reasonOf } from '@sigstack/crypto'
import type { Pool, Queryable } from '@sigstack/postgres'
import type { Logger } from '@sigstack/server'
import { createConditions } from './alarms/conditions.ts'
import { forgetAlarms } from './alarms/forget-alarms.ts'
import { tellEndings } from './checks/check-endings.ts'
import { endingsOfRoot, endingsOfTuf } from './checks/ending.ts'
import { strangersIn } from './checks/strangers.ts'
import type { Config } from './config.ts'
import { type LogsDependencies, lookAtLogs } from './following/follow-logs.ts'
import type { LogDescription } from './following/logs-file.ts'
import type { StoredLeaf } from './following/source.ts'
import { thinHeads } from './following/thin-heads.ts'
import { trustSource } from './following/trusted-keys.ts'
import type { MonitorMetrics } from './metrics.ts'
import { createReporting } from './report.ts'
import { type DeliverOptions, deliverDue, type Send } from './telling/deliver.ts'
import type { Channel } from './telling/event.ts'
import { forgetFindings } from './watching/forget-findings.ts'
import type { Match } from './watching/look.ts'
import { createLookout } from './watching/lookout.ts'
import { readSightings } from './watching/read-sighting.ts'
import { recordMatches } from './watching/record.ts'

export type MonitoringOptions = {
  readonly config: Config
  readonly pool: Pool
  readonly logs: () => readonly LogDescription[]
  readonly channels: ReadonlyMap<Channel, Send>
  readonly metrics: MonitorMetrics
  readonly logger: Logger
  readonly now: () => number
  /** There is something to be told. */
  readonly onNews: () => void
}

export type Monitoring = {
  /** One round over all logs. True where one is ahead still. */
  look(signal: AbortSignal): Promise<boolean>
  /** Tells what is due. */
  tell(signal: AbortSignal): Promise<void>
}

const roundMs = 30_000
const trustTimeoutMs = 20_000
const mostShown = 100
const checkPauseMs = 60_000
const forgettingPauseMs = 86_400_000
/** After so long others in this process have their turn: names may be many, and watches too. */
const breathMs = 10

export function createMonitoring(options: MonitoringOptions): Monitoring {
  const { config, pool, logs, channels, metrics, logger, now, onNews } = options
  const reporting = createReporting({
    pool,
    channels: [...channels.keys()],
    now,
    onOpened: ({ kind, summary }) => logger.warn({ kind, summary }, 'an alarm was raised'),
    onNews,
  })
  const conditions = createConditions({
    pool,
    report: reporting.reportNow,
    onPassed: reporting.passed,
    afterMs: config.alarmAfterMs,
    now,
  })
  const trust =
    config.trustedRoot === undefined
      ? undefined
      : trustSource(
          /^https?:/.test(config.trustedRoot)
            ? { url: config.trustedRoot }
            : { read: () => readFile(config.trustedRoot ?? '') },
          now,
        )
  const lookout = createLookout({ pool, conditions })

  /** The log is the instance's own: its key is in the trusted root. */
  async function tellStrangers(
    tx: Queryable,
    piece: {
      readonly treeId: bigint
      readonly logName: string
      readonly first: bigint
      readonly leaves: readonly StoredLeaf[]
    },
  ): Promise<void> {
    if (trust === undefined) return
    const { treeId, logName, first, leaves } = piece
    const within = AbortSignal.timeout(trustTimeoutMs)
    if (strangersIn(leaves, await trust.current(within)).length === 0) return
    // An authority may have been added since.
    const strangers = strangersIn(leaves, await trust.current(within, 0))
    const indexes = strangers.map((at) => String(first + BigInt(at)))
    if (indexes.length === 0) return
    await reporting.report(tx, {
      kind: 'unknown-authority',
      matter: `tree ${treeId}`,
      treeId,
      times: indexes.length,
      summary: `entry ${indexes[0]} of ${logName} is a certificate of no authority of the trusted root`,
      detail: { leafIndexes: indexes.slice(0, mostShown) },
    })
  }

  const onLeaves: LogsDependencies['onLeaves'] = async (tx, { log, treeId, first, leaves }) => {
    metrics.entries.inc({ log: log.name }, leaves.length)
    if (log.kind === 'ct' && log.key === undefined)
      await tellStrangers(tx, { treeId, logName: log.name, first, leaves })
    const seek = lookout.look()
    if (seek === undefined) return
    const at = new Date(now())
    const matches: Match[] = []
    let begunMs = performance.now()
    for (const [offset, stored] of leaves.entries()) {
      const options = { kind: log.kind, leafIndex: first + BigInt(offset), now: at }
      matches.push(...seek(log.name, readSightings(stored, options)))
      if (performance.now() - begunMs < breathMs) continue
      await breathe()
      begunMs = performance.now()
    }
    await recordMatches(tx, matches, { treeId, logName: log.name, report: reporting.report })
  }

  const onFailure = (log: string, reason: string) => {
    metrics.failures.inc({ log })
    logger.info({ log, reason }, 'a log could not be followed')
  }

  /** Not at each look: what ends in days is told in time. */
  let nextCheckMs = 0

  async function checkEndings(signal: AbortSignal): Promise<void> {
    if (now() < nextCheckMs) return
    const { tufUrl, expiryMs } = config
    const sources = [
      ...(trust === undefined ? [] : [async () => endingsOfRoot(await trust.current(signal))]),
      ...(tufUrl === undefined ? [] : [() => endingsOfTuf(tufUrl, signal)]),
    ]
    for (const read of sources) {
      try {
        await tellEndings(await read(), { conditions, nowMs: now(), expiryMs })
        await conditions.pass('unreachable', 'trust')
      } catch (error) {
        if (signal.aborted) throw error
        const summary = `when trust ends cannot be told: ${reasonOf(error)}`
        onFailure('trust', summary)
        await conditions.hold('unreachable', 'trust', () => ({ summary, detail: {} }))
      }
    }
    nextCheckMs = now() + checkPauseMs
  }

  let nextForgettingMs = 0

  /** Logs are followed whether it succeeds or not. */
  async function forget(signal: AbortSignal): Promise<void> {
    if (now() < nextForgettingMs) return
    nextForgettingMs = now() + forgettingPauseMs
    const { headsDays, alarmsDays } = config
    for (const [what, work] of [
      ['tree heads that others prove', () => thinHeads(pool, headsDays, signal)],
      ['closed alarms', () => forgetAlarms(pool, alarmsDays, signal)],
      ['findings', () => forgetFindings(pool, alarmsDays, signal)],
    ] as const) {
      try {
        const count = await work()
        if (count > 0) logger.info({ count }, `old ${what} were forgotten`)
      } catch (error) {
        if (signal.aborted) throw error
        logger.error({ err: error }, `old ${what} could not be forgotten`)
      }
    }
  }

  /** Whose last message was not taken. */
  const failing = new Set<Channel>()

  const onAttempt: DeliverOptions['onAttempt'] = (channel, outcome, reason) => {
    metrics.deliveries.inc({ channel, outcome })
    if (outcome === 'delivered') {
      if (failing.delete(channel)) logger.info({ channel }, 'alarms are told again')
      return
    }
    if (!failing.has(channel) || outcome === 'given-up')
      logger.warn({ channel, outcome, reason }, 'an alarm could not be told')
    failing.add(channel)
  }

  return {
    look: async (signal) => {
      await forget(signal)
      await checkEndings(signal)
      await lookout.renew()
      return lookAtLogs(
        {
          pool,
          logs,
          trust,
          conditions,
          report: reporting.report,
          reportNow: reporting.reportNow,
          onLeaves,
          onSeen: ({ name }) => metrics.seen.set({ tree: name }, Math.floor(now() / 1000)),
          onFailure,
          now,
          roundMs,
          readShare: config.readShare,
          clockDriftMs: config.clockDriftMs,
        },
        signal,
      )
    },
    tell: (signal) => deliverDue({ pool, channels, onAttempt }, signal),
  }
}

import { generateKeyPairSync } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { type Cosigner, encodeNoteKey, noteKey, noteKeyOf } from '@sigstack/checkpoint'
import { reasonOf } from '@sigstack/crypto'
import { trustedProxies } from '@sigstack/limits'
import { createPool } from '@sigstack/postgres'
import {
  createCleanups,
  createRegistry,
  type Logger,
  openDoors,
  readTlsFiles,
  reloadFromFiles,
  startOrCleanUp,
} from '@sigstack/server'
import { loadOrCreateMlDsaSigner, loadOrCreateSigner } from '@sigstack/signers'
import { buildApp } from './app.ts'
import type { Config } from './config.ts'
import { createWitness } from './cosigning/add-checkpoint.ts'
import { type KnownLogs, parseLogs } from './cosigning/logs-file.ts'
import { openStore } from './cosigning/store.ts'
import { createMetrics } from './metrics.ts'
import { createMirror, type Mirror } from './mirroring/add-entries.ts'
import { createPending } from './mirroring/pending.ts'
import { openMirrorStore } from './mirroring/store.ts'
import type { CosignerNames } from './routes/witness.ts'

export type StartOptions = {
  readonly logger: Logger
  /** False where several services share one process. */
  readonly processMetrics?: boolean
  /** Milliseconds since the epoch; the machine's clock when left out. */
  readonly now?: () => number
  /** Stands between the witness and its keys. */
  readonly wrapCosigner?: (cosigner: Cosigner) => Cosigner
}

export type RunningWitness = {
  readonly url: string
  readonly name: string
  /** As policies name them; Ed25519 first. */
  readonly verifierKeys: readonly string[]
  /** Of its mirror; empty where it keeps no copies. */
  readonly mirrorVerifierKeys: readonly string[]
  stop(): Promise<void>
}

const queryTimeoutMs = 5_000

/** Wires the real adapters and listens. */
export async function startWitness(config: Config, options: StartOptions): Promise<RunningWitness> {
  const { logger, now = Date.now, wrapCosigner = (cosigner) => cosigner } = options
  const cleanups = createCleanups()
  return startOrCleanUp(start, { cleanups, logger })

  async function start(): Promise<RunningWitness> {
    const { mirrorName } = config
    const cosigners = await openCosigners(config, config.name)
    const verifierKeys = cosigners.map(({ key }) => encodeNoteKey(key))
    const registry = createRegistry({ processMetrics: options.processMetrics ?? true })
    const pool = createPool({
      connectionString: config.databaseUrl,
      maxConnections: config.databaseConnections,
      applicationName: 'witness',
      queryTimeoutMs,
      onError: (error) => logger.warn({ err: error }, 'a database connection broke'),
    })
    cleanups.add(() => pool.end())
    const store = await openStore(pool)
    const logs = await followLogs()
    const pending = createPending(store.read)
    const metrics = createMetrics(registry, () => logs.current().size)
    const witness = createWitness({
      store,
      logs: logs.current,
      cosigners,
      now,
      onTaken: pending.note,
      onInconsistent: ({ origin, reason }) => {
        metrics.inconsistent.inc()
        logger.error({ origin, reason }, 'a log signs what does not extend what it signed before')
      },
      onError: (error) => logger.warn({ err: error }, 'cosignatures could not be kept'),
    })
    const mirror = mirrorName === undefined ? undefined : await openMirror(mirrorName)
    const tls = config.tls && (await readTlsFiles(config.tls))
    const app = buildApp({
      witness,
      self: { name: config.name, verifierKeys },
      subtrees: { logs: logs.current, cosigners },
      ...(mirror !== undefined && { mirrorSelf: mirror.self, mirror: mirror.mirror }),
      readAll: store.readAll,
      bodyLimitBytes: config.bodyLimitBytes,
      pendingLimit: config.pendingLimit,
      metrics,
      logger,
      registry,
      metricsRoute: config.metricsPort === undefined,
      readiness: async () => {
        const fault = logs.fault()
        await pool.query('select 1')
        return {
          ready: true,
          checks: { database: 'ok', logs: fault === undefined ? 'ok' : `changed list refused: ${fault}` },
        }
      },
      ...(tls !== undefined && { tls }),
      ...(config.trustedProxies !== undefined && { trustProxy: trustedProxies(config.trustedProxies) }),
    })
    const url = await openDoors(app, config, { prefix: 'WITNESS', registry, logger, tls, cleanups })
    logger.info({ url, name: config.name, logs: logs.current().size }, 'witness is open')
    return {
      url,
      name: config.name,
      verifierKeys,
      mirrorVerifierKeys: mirror?.self.verifierKeys ?? [],
      stop: cleanups.run,
    }

    async function openMirror(name: string): Promise<{ mirror: Mirror; self: CosignerNames }> {
      const cosigners = await openCosigners(config, name, 'mirror-')
      const mirror = createMirror({
        store: openMirrorStore(pool),
        logs: logs.current,
        pending,
        cosigners,
        now,
        onError: (error) => logger.warn({ err: error }, 'cosignatures of the mirror could not be kept'),
      })
      return { mirror, self: { name, verifierKeys: cosigners.map(({ key }) => encodeNoteKey(key)) } }
    }
  }

  async function openCosigners(of: Config, name: string, prefix = ''): Promise<Cosigners> {
    const [first, ...others] = await loadCosigners(of, name, prefix)
    return [wrapCosigner(first), ...others.map(wrapCosigner)]
  }

  /** A list with a fault ends the start, and later changes nothing. */
  async function followLogs() {
    const load = async (): Promise<KnownLogs> => parseLogs(await readFile(config.logsFile, 'utf8'))
    const following = await reloadFromFiles({
      paths: () => [config.logsFile],
      initial: await load(),
      load,
      onReload: ({ size }) => logger.info({ logs: size }, 'the changed list of logs took effect'),
      onFault: (error) =>
        logger.error({ reason: reasonOf(error) }, 'the changed list of logs has a fault; the old one stays'),
    })
    cleanups.add(() => following.stop())
    return following
  }
}

type Cosigners = readonly [Cosigner, ...Cosigner[]]

/** Ed25519, which covers whatever can be parsed, and ML-DSA-44 beside it. */
async function loadCosigners(config: Config, name: string, prefix: string): Promise<Cosigners> {
  const { dataFolder, keyPassword } = config
  const at = (file: string) => path.join(dataFolder, `${prefix}${file}`)
  const ed25519 = await loadOrCreateSigner(at('ed25519.key.pem'), keyPassword, {
    generate: () => generateKeyPairSync('ed25519').privateKey,
  })
  const first = { key: noteKeyOf(name, ed25519.publicKey, 'witness'), sign: ed25519.sign }
  if (!config.mlDsa) return [first]
  const mlDsa = await loadOrCreateMlDsaSigner(at('ml-dsa-44.key.pem'), keyPassword)
  return [first, { key: noteKey(name, 'ml-dsa-44', mlDsa.publicKey), sign: mlDsa.sign }]
}

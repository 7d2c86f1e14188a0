/**
 * The logs of a line in one process: the first, which the settings name, and those that a command has opened behind it, before the start or
 * while others write.
 */
import { reasonOf, type Signer } from '@sigstack/crypto'
import {
  type LogReader,
  listLine,
  orUnavailable,
  type PlacedLog,
  readLineNews,
  rememberPublicKey,
} from '@sigstack/log-engine'
import { openKeyNamed, openShardKey, type ShardKeys, watchNextKey } from '@sigstack/rekor-log'
import { createCleanups, startOrCleanUp } from '@sigstack/server'
import { keyFolderOf } from '@sigstack/signers'
import type { FaceContext } from '../face.ts'
import { sharedRuns, type Unopened } from './unopened.ts'

/** What a face makes of a log of its line. */
export type LogOfLine = { readonly log: LogReader; readonly publicKeyPem: string }

export type Line<Of extends LogOfLine> = {
  /** Oldest first. */
  list(): readonly [Of, ...Of[]]
  newest(): Of
  readonly unopened: Unopened
  /** Why this replica has not opened a log that follows, or could not go on with the key that is prepared to come next. */
  trouble(): LineTrouble
}

export type LineTrouble = { readonly later: string | undefined; readonly nextKey: string | undefined }

/** What is to be stopped with the log goes to the `onStop` of this context: it is stopped at once where opening fails later on. */
export type OpenOfLine<Of> = (
  log: { readonly name: string; readonly signer: Signer },
  context: FaceContext,
) => Promise<Of>

const pollMs = 1_000

/** @param line Name of its first log. Throws what `open` and the keys say; of logs that come later they are told, and tried again. */
export async function openLine<Of extends LogOfLine>(
  line: string,
  context: FaceContext,
  open: OpenOfLine<Of>,
): Promise<Line<Of>> {
  const { pool, logger, onStop } = context
  const logs: [Of, ...Of[]] = [await openOne({ name: line, signer: context.signer })]
  let unopened: readonly PlacedLog[] = []
  let laterTrouble: string | undefined
  // Those that follow have theirs from the command that opened them.
  await rememberPublicKey(pool, line, context.signer.publicKey.spki)
  await openLater()
  const onError = (error: unknown) => logger.error({ err: error }, 'the logs that follow could not be opened')
  const nextKey = watchNextKey({
    open: async (keyFile) => {
      const keys = keysOf(context)
      return openKeyNamed(keys.folder, keyFile, keys.password, keys)
    },
    onNews: (news) => logger.info(news),
    onError,
  })
  const learn = sharedRuns(async () => {
    const news = await orUnavailable(readLineNews(pool, line))
    const later = news.logs.slice(logs.length)
    unopened = news.next === undefined ? later : [...later, news.next]
    return { isLonger: later.length > 0, next: news.next }
  })
  await learn()
  let looking: Promise<void> | undefined
  const poll = setInterval(() => {
    looking ??= look()
      .catch(onError)
      .finally(() => {
        looking = undefined
      })
  }, pollMs)
  poll.unref()
  onStop(async () => {
    clearInterval(poll)
    await looking
  })

  async function look(): Promise<void> {
    const { isLonger, next } = await learn()
    if (isLonger) await openLater().then(() => (laterTrouble = undefined), tellTrouble)
    await nextKey.look(next)
  }

  /** Once, and not each second. */
  function tellTrouble(error: unknown): void {
    const reason = reasonOf(error)
    if (reason !== laterTrouble) onError(error)
    laterTrouble = reason
  }

  async function openLater(): Promise<void> {
    for (const row of (await orUnavailable(listLine(pool, line))).slice(logs.length)) {
      logs.push(await openOne({ name: row.name, signer: await openShardKey(keysOf(context), row) }))
      logger.info({ origin: row.origin }, 'a log that follows is open')
    }
  }

  /** Whole or not at all: the next try begins anew. */
  async function openOne(log: { readonly name: string; readonly signer: Signer }): Promise<Of> {
    const cleanups = createCleanups()
    const opened = await startOrCleanUp(() => open(log, { ...context, onStop: cleanups.add }), {
      cleanups,
      logger,
    })
    onStop(cleanups.run)
    return opened
  }

  return {
    list: () => logs,
    newest: () => logs.at(-1) ?? logs[0],
    unopened: {
      known: () => unopened,
      now: async () => {
        await learn()
        return unopened
      },
    },
    trouble: () => ({ later: laterTrouble, nextKey: nextKey.trouble() }),
  }
}

function keysOf({ config, signer, guarded }: FaceContext): ShardKeys {
  const folder = config.keysFolder ?? keyFolderOf(config.keyLocation)
  if (folder === undefined)
    throw new Error('LOG_KEYS is not set: the keys of logs that follow have no folder')
  return {
    first: signer,
    folder,
    password: config.keyPassword,
    takesEd25519: config.face.face === 'rekor-v2',
    wrap: guarded,
  }
}

/**
 * The logs of a line in one process: the first, which the settings name, and those that a command has opened behind it, before the start or
 * while others write.
 */
import type { Signer } from '@sigstack/crypto'
import {
  type LogReader,
  listLine,
  orUnavailable,
  readLineNews,
  rememberPublicKey,
} from '@sigstack/log-engine'
import { openKeyNamed, openShardKey, type ShardKeys, watchNextKey } from '@sigstack/rekor-log'
import { keyFolderOf } from '@sigstack/signers'
import type { FaceContext } from '../face.ts'

/** What a face makes of a log of its line. */
export type LogOfLine = { readonly log: LogReader; readonly publicKeyPem: string }

export type Line<Of extends LogOfLine> = {
  /** Oldest first. */
  list(): readonly [Of, ...Of[]]
  newest(): Of
  /** Why this replica could not go on with the key that is prepared to come next, where it could not. */
  nextKeyTrouble(): string | undefined
}

export type OpenOfLine<Of> = (log: { readonly name: string; readonly signer: Signer }) => Promise<Of>

const pollMs = 1_000

/** @param line Name of its first log. Throws what `open` and the keys say; of logs that come later they are told, and tried again. */
export async function openLine<Of extends LogOfLine>(
  line: string,
  context: FaceContext,
  open: OpenOfLine<Of>,
): Promise<Line<Of>> {
  const { pool, logger, onStop } = context
  const logs: [Of, ...Of[]] = [await open({ name: line, signer: context.signer })]
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
    const { logs: count, nextKey: prepared } = await orUnavailable(readLineNews(pool, line))
    if (count > logs.length) await orUnavailable(openLater())
    await nextKey.look(prepared)
  }

  async function openLater(): Promise<void> {
    for (const row of (await listLine(pool, line)).slice(logs.length)) {
      logs.push(await open({ name: row.name, signer: await openShardKey(keysOf(context), row) }))
      logger.info({ origin: row.origin }, 'a log that follows is open')
    }
  }

  return { list: () => logs, newest: () => logs.at(-1) ?? logs[0], nextKeyTrouble: nextKey.trouble }
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

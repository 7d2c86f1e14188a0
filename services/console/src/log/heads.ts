/** The heads of the logs and who signed them, and how far the witness is. */
import {
  type Checkpoint,
  type NoteKey,
  noteKeyOf,
  parseCheckpoint,
  parseNoteKey,
  verifyLines,
} from '@sigstack/checkpoint'
import { equalBytes, memberAt, toHex, verifySignature } from '@sigstack/crypto'
import { ctNoteKeyHint, parseCtNoteSignature, sthSignedData } from '@sigstack/ct'
import type { TrustedLog, TrustedRoot } from '@sigstack/trust-root'
import { keyOfLog } from '@sigstack/verification/steps'
import { ask, jsonOf } from '../sources/ask.ts'
import { textAt } from '../text-at.ts'

export type Head = {
  /** Which log, for people. */
  readonly name: string
  readonly url: string
  readonly note: string
  readonly origin: string
  readonly size: bigint
  readonly root: string
  readonly lines: readonly HeadLine[]
}

export type HeadLine = {
  readonly name: string
  /** Hexadecimal, four bytes. */
  readonly keyId: string
  readonly by: 'log' | 'witness' | 'unknown'
  readonly state: 'verified' | 'failed' | 'unchecked'
  /** Of a cosignature, and of the head of a log of certificates. */
  readonly timeSeconds?: bigint
}

export type Witness = {
  readonly name: string
  readonly keys: readonly NoteKey[]
  readonly logs: readonly { readonly origin: string; readonly size: bigint; readonly at: string }[]
}

/** Throws a `SourceError`; a note that is none is told by an Error. */
export async function readHead(
  name: string,
  url: string,
  {
    root,
    witness,
    note,
  }: {
    readonly root?: TrustedRoot | undefined
    readonly witness?: Witness | undefined
    readonly note?: string
  },
): Promise<Head> {
  const text = (await ask(url, '/checkpoint').catch(() => undefined))?.text() ?? note
  if (text === undefined) throw new Error('it shows no head')
  const checkpoint = parseCheckpoint(text)
  const { origin, treeHead } = checkpoint
  const trusted = [...(root?.tlogs ?? []), ...(root?.ctlogs ?? [])]
  const lines = await Promise.all(
    checkpoint.signatures.map(async ({ name: signer, keyHint, signature }): Promise<HeadLine> => {
      const common = { name: signer, keyId: toHex(keyHint) }
      const one = { ...checkpoint, signatures: [{ name: signer, keyHint, signature }] }
      const ofLogs = await Promise.all(trusted.map((log) => keysOf(log, signer, keyHint)))
      const candidates: readonly (readonly [HeadLine['by'], NoteKey])[] = [
        ...(witness?.keys ?? []).map((key) => ['witness', key] as const),
        ...ofLogs.flat().map((key) => ['log', key] as const),
      ]
      const [by, key] =
        candidates.find(([, each]) => each.name === signer && equalBytes(each.keyHint, keyHint)) ?? []
      if (by === undefined || key === undefined)
        return { ...common, ...(await asTreeHead(one, root?.ctlogs ?? [])) }
      try {
        const [verified] = await verifyLines(one, [key])
        const timeSeconds = verified?.timeSeconds
        return { ...common, by, state: 'verified', ...(timeSeconds !== undefined && { timeSeconds }) }
      } catch {
        return { ...common, by, state: 'failed' }
      }
    }),
  )
  return { name, url, note: text, origin, size: treeHead.size, root: toHex(treeHead.rootHash), lines }
}

/** A log of certificates signs its tree head of RFC 6962 in a line of its own kind, whose time is that of the head (C2SP static-ct-api). */
async function asTreeHead(
  { origin, treeHead, signatures: [line] }: Checkpoint,
  logs: readonly TrustedLog[],
): Promise<Pick<HeadLine, 'by' | 'state' | 'timeSeconds'>> {
  const log = logs.find(
    ({ logId }) => line?.name === origin && equalBytes(line.keyHint, ctNoteKeyHint(origin, logId)),
  )
  if (line === undefined || log === undefined) return { by: 'unknown', state: 'unchecked' }
  const { size: treeSize, rootHash } = treeHead
  try {
    const { timestampMs, signature } = parseCtNoteSignature(line.signature)
    const signed = sthSignedData({ timestampMs, treeSize, rootHash })
    const isGood = await verifySignature(await keyOfLog(log), 'sha256', signed, signature.signature)
    if (!isGood) return { by: 'log', state: 'failed' }
    return { by: 'log', state: 'verified', timeSeconds: BigInt(Math.floor(timestampMs / 1000)) }
  } catch {
    return { by: 'log', state: 'failed' }
  }
}

/** As it would stand in the name of that line. */
async function keysOf(log: TrustedLog, name: string, keyHint: Uint8Array): Promise<readonly NoteKey[]> {
  try {
    const key = noteKeyOf(name, await keyOfLog(log), 'log')
    return equalBytes(key.keyHint, keyHint) ? [key] : []
  } catch {
    return []
  }
}

/** Throws a `SourceError`. Keys of kinds that are not verified here are left out. */
export async function readWitness(url: string): Promise<Witness> {
  const [self, logs] = await Promise.all([ask(url, '/witness.v0.json'), ask(url, '/logs.v0.json')])
  const told = self === undefined ? undefined : jsonOf(self)
  const list = logs === undefined ? undefined : memberAt(jsonOf(logs), 'logs')
  const keys = memberAt(told, 'verifier_keys')
  return {
    name: textAt(told, 'name') ?? url,
    keys: (Array.isArray(keys) ? keys : []).flatMap((key: unknown) => {
      try {
        return [parseNoteKey(String(key))]
      } catch {
        return []
      }
    }),
    logs: (Array.isArray(list) ? list : []).flatMap((log: unknown) => {
      const size = memberAt(log, 'tree_size')
      return typeof size === 'string' && /^\d{1,20}$/.test(size)
        ? [
            {
              origin: textAt(log, 'origin') ?? '',
              size: BigInt(size),
              at: textAt(log, 'cosigned_at') ?? '',
            },
          ]
        : []
    }),
  }
}

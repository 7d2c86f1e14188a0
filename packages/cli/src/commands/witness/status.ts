/** What each witness of a policy has signed of a log. */
import {
  type Checkpoint,
  CheckpointError,
  isQuorum,
  type PolicyWitness,
  parseCheckpoint,
  parseWitnessPolicy,
  type VerifiedLine,
  verifyLines,
} from '@sigstack/checkpoint'
import { reasonOf, sha256Hex, withoutEnd } from '@sigstack/crypto'
import { requestBounded } from '@sigstack/http-client'
import { dataFolder, readEndpoints } from '../../endpoints.ts'
import { CliError, ExitWith } from '../../errors.ts'
import { readTextInput } from '../../files.ts'
import type { Io } from '../../io.ts'

export type StatusOptions = {
  readonly policy: string
  readonly log?: string
  readonly data?: string
  readonly json?: boolean
}

type Status = { readonly name: string } & (
  | { readonly size: string; readonly cosignedAt: string; readonly behind: string }
  | { readonly trouble: string }
)

const limits = { timeoutMs: 10_000, maxBytes: 1_048_576 }

export async function witnessStatus(io: Io, options: StatusOptions): Promise<void> {
  const text = await readTextInput(io, options.policy, 'policy')
  const { witnesses, quorum } = parsed(options.policy, () => parseWitnessPolicy(text))
  const logUrl = options.log ?? (await rekorOf(dataFolder(io, options.data)))
  if (logUrl === undefined) throw new CliError('bad_usage', 'please name the log with --log')
  const newest = await readCheckpoint(`${withoutEnd(logUrl, '/')}/checkpoint`)
  const keys = witnesses.map(({ key }) => key)
  const lines = await verifyLines(newest, keys).catch((cause: unknown) => {
    throw new CliError('not_verified', reasonOf(cause), { cause })
  })
  const hasQuorum = isQuorum(quorum, ({ key }) => lines.some((line) => line.key === key))
  const statuses = await Promise.all(witnesses.map((witness) => statusOf(witness, newest, lines)))
  const { origin, treeHead } = newest
  if (options.json === true)
    io.out(
      `${JSON.stringify({ origin, size: String(treeHead.size), quorum: hasQuorum, witnesses: statuses })}\n`,
    )
  else {
    io.out(
      `${origin}, ${treeHead.size}: ${hasQuorum ? 'the quorum has signed it' : 'shown without the quorum'}\n`,
    )
    for (const status of statuses) io.out(`  ${status.name}: ${sentenceOf(status)}\n`)
  }
  if (!hasQuorum) throw new ExitWith(1)
}

async function rekorOf(folder: string): Promise<string | undefined> {
  const { rekor, 'rekor-v2': rekorV2 } = (await readEndpoints(folder)).services
  return rekor ?? rekorV2
}

/**
 * Its own newest checkpoint, below the prefix where it is asked, which of other programs may be another one. Of a witness that shows
 * none, as omniwitness, which only signs, what stands among the verified `lines` of the log.
 */
async function statusOf(
  { name, key, url }: PolicyWitness,
  newest: Checkpoint,
  lines: readonly VerifiedLine[],
): Promise<Status> {
  if (url === undefined) return { name, trouble: 'the policy has no URL of it' }
  try {
    const shown = await readCheckpointIfAny(`${url}/${sha256Hex(newest.origin)}/checkpoint`)
    const checkpoint = shown ?? newest
    const line =
      shown === undefined
        ? lines.find((candidate) => candidate.key === key)
        : (await verifyLines(shown, [key]))[0]
    if (shown === undefined && line === undefined)
      return { name, trouble: 'it has signed nothing of this log, or does not know it' }
    if (checkpoint.origin !== newest.origin || line?.timeSeconds === undefined)
      return { name, trouble: 'it shows no checkpoint of this log with its signature' }
    return {
      name,
      size: String(checkpoint.treeHead.size),
      cosignedAt: new Date(Math.min(Number(line.timeSeconds) * 1_000, 8.64e15)).toISOString(),
      behind: String(newest.treeHead.size - checkpoint.treeHead.size),
    }
  } catch (error) {
    return { name, trouble: reasonOf(error) }
  }
}

function sentenceOf(status: Status): string {
  if ('trouble' in status) return status.trouble
  return `${status.size}, at ${status.cosignedAt}${status.behind === '0' ? '' : `, ${status.behind} behind`}`
}

async function readCheckpoint(url: string): Promise<Checkpoint> {
  const checkpoint = await readCheckpointIfAny(url)
  if (checkpoint === undefined) throw new CliError('unreachable', `${url} answers with status 404`)
  return checkpoint
}

async function readCheckpointIfAny(url: string): Promise<Checkpoint | undefined> {
  const { status, bytes } = await requestBounded(url, limits).catch((cause: unknown) => {
    throw new CliError('unreachable', reasonOf(cause), { cause })
  })
  if (status === 404) return undefined
  if (status !== 200) throw new CliError('unreachable', `${url} answers with status ${status}`)
  return parsed(url, () => parseCheckpoint(bytes.toString('utf8')))
}

function parsed<T>(where: string, parse: () => T): T {
  try {
    return parse()
  } catch (cause) {
    if (!(cause instanceof CheckpointError)) throw cause
    throw new CliError('unreadable', `${where}: ${cause.message}`, { cause })
  }
}

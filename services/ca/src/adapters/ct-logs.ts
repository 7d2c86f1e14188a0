/**
 * The CT logs of this CA, in the operator's order: each certificate goes to the first that takes it. One that is frozen, or away, rests: it is
 * passed over until a moment later, when one certificate looks whether it is back and all others go on to the next log.
 */
import { keyFingerprint, type PublicKey, toBase64 } from '@sigstack/crypto'
import type { CtLog, CtPromise } from '../issuance/dependencies.ts'
import { IssuanceError } from '../refusals.ts'
import { type CtLogClient, type CtLogFailure, createCtLogClient } from './ct-log-client.ts'

export type CtLogPlace = {
  /** Base of the log; `/ct/v1/add-pre-chain` follows. */
  readonly url: string
  readonly publicKey: PublicKey
}

export type CtLogState = {
  /** SHA-256 of its key in base64, as the trusted root has it. */
  readonly logId: string
  /** The next certificate goes to it. */
  readonly isCurrent: boolean
  /** Why it is passed over. */
  readonly rest: 'closed' | 'away' | undefined
}

export type CtLogNews = {
  readonly url: string
  readonly logId: string
  /** Undefined: it takes certificates again. */
  readonly failure?: CtLogFailure
}

export type CtLogsOptions = {
  /** Asked for each certificate; a log is known by its URL. */
  readonly places: () => readonly CtLogPlace[]
  /** For all logs and attempts together. sigstore-js gives up after 5 s, and must have our answer by then. */
  readonly totalTimeoutMs?: number
  /** Of the rests. */
  readonly nowMs?: () => number
  readonly onNews?: (news: CtLogNews) => void
}

export type CtLogs = CtLog & {
  /** Throws unless a log that is not known as closed answers requests. */
  probe(): Promise<void>
  /** In the operator's order. */
  states(): readonly CtLogState[]
  close(): Promise<void>
}

/** One that takes nothing is asked once in this time, for the operator may open it again. */
const closedRestMs = 60_000
const awayRestMs = 10_000
const shortestRestMs = 1_000
const longestRetryAfterSeconds = 60

type Rest = { readonly kind: 'closed' | 'away'; readonly lastsMs: number; readonly until: number }
type Member = CtLogPlace & { readonly client: CtLogClient; readonly logId: string; rest?: Rest | undefined }

export function createCtLogs(options: CtLogsOptions): CtLogs {
  const { places, totalTimeoutMs = 3000, nowMs = () => performance.now(), onNews = () => {} } = options
  const known = new Map<string, Member>()
  const chainJson = createChainJson()

  function members(): readonly Member[] {
    return places().map((place) => {
      const found = known.get(place.url)
      if (found !== undefined) return found
      const logId = toBase64(keyFingerprint(place.publicKey))
      const member: Member = { ...place, client: createCtLogClient(place.url), logId }
      known.set(place.url, member)
      return member
    })
  }

  function restOf({ rest }: Member): Rest['kind'] | undefined {
    return rest !== undefined && nowMs() < rest.until ? rest.kind : undefined
  }

  /** Whom to ask, best first. Those that rest come last: where no other takes a certificate, one of them may. */
  function inOrder(): readonly Member[] {
    const all = members()
    const by = (kind: Rest['kind'] | undefined) => all.filter((member) => restOf(member) === kind)
    return [...by(undefined), ...by('away'), ...by('closed')]
  }

  async function addPreChain(precertificate: Uint8Array, chain: Chain): Promise<CtPromise> {
    const body = `{"chain":["${toBase64(precertificate)}"${chainJson(chain)}]}`
    const deadline = performance.now() + totalTimeoutMs
    const asked = inOrder()
    const failures: CtLogFailure[] = []
    for (const [at, member] of asked.entries()) {
      const begun = performance.now()
      // What one log leaves of its time goes to those after it.
      const outcome = await ask(member, body, begun + (deadline - begun) / (asked.length - at))
      if ('sct' in outcome) return { sct: outcome.sct, publicKey: member.publicKey }
      failures.push(outcome)
    }
    throw unavailable(failures)
  }

  async function ask(member: Member, body: string, deadline: number): ReturnType<CtLogClient['submit']> {
    // Its rest is over: this certificate looks whether it is back, and until that is known it rests on for others.
    if (member.rest !== undefined && restOf(member) === undefined) begin(member, member.rest)
    const { rest } = member
    const outcome = await member.client.submit(body, deadline)
    if (!('sct' in outcome)) settle(member, outcome)
    // An answer to what was sent before it began to rest says nothing about it now.
    else if (rest !== undefined && member.rest === rest) {
      member.rest = undefined
      tell(member)
    }
    return outcome
  }

  function settle(member: Member, failure: CtLogFailure): void {
    const { kind, waitMs = awayRestMs } = failure
    // Something about this one certificate, perhaps: it must not send those of others elsewhere.
    if (kind === 'refused') return
    const isNews = member.rest === undefined
    const lastsMs =
      kind === 'closed' ? closedRestMs : Math.min(Math.max(waitMs, shortestRestMs), closedRestMs)
    begin(member, { kind, lastsMs })
    if (isNews) tell(member, failure)
  }

  function begin(member: Member, { kind, lastsMs }: Omit<Rest, 'until'>): void {
    member.rest = { kind, lastsMs, until: nowMs() + lastsMs }
  }

  function tell({ url, logId }: Member, failure?: CtLogFailure): void {
    onNews({ url, logId, ...(failure !== undefined && { failure }) })
  }

  return {
    addPreChain,
    async probe() {
      const open = members().filter((member) => restOf(member) !== 'closed')
      if (open.length === 0) throw new Error('no CT log takes certificates')
      await Promise.any(open.map(({ client }) => client.probe()))
    },
    states() {
      const [current] = inOrder()
      return members().map((member) => ({
        logId: member.logId,
        isCurrent: member === current,
        rest: restOf(member),
      }))
    },
    async close() {
      await Promise.all([...known.values()].map(({ client }) => client.close()))
    },
  }
}

type Chain = Parameters<CtLog['addPreChain']>[1]

/** What follows the precertificate in a submission; encoded once for each chain. */
function createChainJson(): (chain: Chain) => string {
  const encoded = new WeakMap<Chain, string>()
  return (chain) => {
    const known = encoded.get(chain)
    if (known !== undefined) return known
    const json = chain.map(({ der }) => `,"${toBase64(der)}"`).join('')
    encoded.set(chain, json)
    return json
  }
}

/** What the requester is told: of a log that may take it soon, where there is one. */
function unavailable(failures: readonly CtLogFailure[]): IssuanceError {
  const told = failures.find(({ kind }) => kind === 'away') ?? failures.at(-1)
  const { reason = 'there is no CT log', waitMs = 1000, cause } = told ?? {}
  const seconds = Math.min(Math.max(1, Math.ceil(waitMs / 1000)), longestRetryAfterSeconds)
  return new IssuanceError('ct_log_unavailable', reason, { cause, retryAfterSeconds: seconds })
}

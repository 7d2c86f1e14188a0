/** Appends to the log of Rekor v2 beside those to the log of v1, in turns, so that both meet the same machine. */
import { noteKeyHint, verifyCheckpoint } from '@sigstack/checkpoint'
import { type PublicKey, parsePublicKeyPem } from '@sigstack/crypto'
import { asHash, leafHash, verifyInclusion } from '@sigstack/merkle'
import { joinChunks } from '../../support/http-socket.ts'
import { closedLoop, openLoop } from '../../support/load.ts'
import { hashedrekordV2Request, obtainCertificate } from '../../support/requests.ts'
import { trialToken } from '../../support/stack-process.ts'
import { type Answers, type Bench, createAnswers, email, measured } from '../bench-context.ts'
import { type Appender, type AppendOptions, openAppender } from './appends.ts'

const rounds = 5

type Side = { readonly name: string; readonly appender: Appender; readonly answers: Answers }

export async function benchRekorV2(
  bench: Bench,
  { clients: allClients, rates }: AppendOptions,
): Promise<void> {
  const { report, seconds } = bench
  const v1 = await openAppender(bench, 'hashedrekord')
  const v2 = await openV2(bench)
  const sides: readonly Side[] = [
    { name: 'v1', appender: v1, answers: await createAnswers(v1.url.origin) },
    { name: 'v2', appender: v2, answers: createV2Answers(await v2LogOf(v2.url.origin)) },
  ]
  report.header(
    `Rekor v2      ${v2.make().length} bytes a request beside ${v1.make().length} of v1, in ${rounds} turns; proof + checkpoint in the answer, of v1 a SET too`,
  )
  const roundSeconds = Math.max(1, Math.ceil(seconds / rounds))
  for (const clients of allClients) {
    const ratios: number[] = []
    for (let round = 0; round < rounds; round++) {
      const perSecond: number[] = []
      for (const { name, appender, answers } of sides) {
        const next = appender.prepare(Math.ceil(roundSeconds * (clients === 1 ? 1500 : 8000)))
        const load = {
          url: appender.url,
          seconds: roundSeconds,
          status: 201,
          clients,
          next,
          faultOf: answers.faultOf,
        }
        const result = await measured(bench, () => closedLoop(load))
        report.row(`${name}, ${clients} clients, ${round + 1}`, result, {
          kind: `rekor ${name}`,
          clients,
          round,
        })
        perSecond.push(result.perSecond)
      }
      const [ofV1 = 0, ofV2 = 0] = perSecond
      ratios.push(ofV2 / ofV1)
    }
    const median = ratios.toSorted((a, b) => a - b)[Math.floor(rounds / 2)] ?? 0
    report.say(`  v2 to v1, ${clients} clients: ${median.toFixed(2)} in the median of ${rounds} turns`)
    report.keep({ kind: 'rekor v2 to v1', clients, median })
  }
  for (const perSecond of rates)
    for (const { name, appender, answers } of sides) {
      const { url } = appender
      const next = appender.prepare(seconds * perSecond)
      const load = { url, seconds, status: 201, perSecond, connections: 64, next, faultOf: answers.faultOf }
      const result = await measured(bench, () => openLoop(load))
      report.row(`${name}, open loop, ${perSecond}/s`, result, { kind: `rekor ${name}`, perSecond })
    }
  for (const { name, answers } of sides)
    report.say(`verified    ${await answers.verify()} of the answers of ${name}`)
}

/** @param log URL of a log of Rekor v2; that of the stack where it is left out. */
export async function openV2({ stack }: Pick<Bench, 'stack'>, log?: string): Promise<Appender> {
  const { endpoints } = stack()
  const { ca = '', 'rekor-v2': rekorV2 } = endpoints.services
  if (rekorV2 === undefined) throw new Error('this stack has no log of Rekor v2')
  const issued = await obtainCertificate(ca, await trialToken(endpoints, email), email)
  const url = new URL(`${log ?? rekorV2}/api/v2/log/entries`)
  const make = () => hashedrekordV2Request(url, issued)
  return {
    url,
    make,
    prepare: (count) => {
      const requests = Array.from({ length: count }, make)
      return () => requests.pop()
    },
  }
}

type ProvenEntry = {
  readonly logIndex: string
  readonly canonicalizedBody: string
  readonly inclusionProof: {
    readonly rootHash: string
    readonly treeSize: string
    readonly hashes: readonly string[]
    readonly checkpoint: { readonly envelope: string }
  }
}

/** What its answers are held to. */
export type V2Log = { readonly origin: string; readonly publicKey: PublicKey }

const keptOf = 200

/** The log of Rekor v2 that answers at that URL. */
export async function v2LogOf(url: string): Promise<V2Log> {
  const publicKey = parsePublicKeyPem(await (await fetch(`${url}/publicKey`)).text())
  const [origin = ''] = (await (await fetch(`${url}/checkpoint`)).text()).split('\n')
  return { origin, publicKey }
}

export function createV2Answers({ origin, publicKey }: V2Log): Answers {
  const keyHint = noteKeyHint(origin, publicKey)
  const hash = (base64: string) => asHash(Buffer.from(base64, 'base64'))
  let kept: Buffer[] = []
  let count = 0
  return {
    faultOf: (body) => {
      if (count++ % keptOf === 0) kept.push(Buffer.from(body))
      return body.includes('"envelope":') ? undefined : 'an answer without a checkpoint'
    },
    verify: async () => {
      const some = kept
      kept = []
      for (const body of some) {
        const { logIndex, canonicalizedBody, inclusionProof } = JSON.parse(
          joinChunks(body).toString(),
        ) as ProvenEntry
        const { rootHash, treeSize, hashes, checkpoint } = inclusionProof
        const treeHead = { size: BigInt(treeSize), rootHash: hash(rootHash) }
        const note = checkpoint.envelope
        await verifyCheckpoint(note, { publicKey, keyHint, name: origin, expectedTreeHead: treeHead })
        const proof = { leafIndex: BigInt(logIndex), treeSize: treeHead.size, siblings: hashes.map(hash) }
        verifyInclusion(proof, leafHash(Buffer.from(canonicalizedBody, 'base64')), treeHead.rootHash)
      }
      return some.length
    },
  }
}

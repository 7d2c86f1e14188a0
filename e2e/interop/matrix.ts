/** Every client signs; every client verifies what each one signed, and refuses what it must. */
import { appendFile, copyFile, mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { reasonOf } from '@sigstack/crypto'
import type { Endpoints } from '@sigstack/stack'
import { InteropError } from '../support/interop-error.ts'
import type { Run } from '../support/run-command.ts'
import {
  type Client,
  type Identity,
  type InstalledClient,
  type Kind,
  type Session,
  type Signer,
  type TrustFiles,
  type Verifier,
  type VerifyJob,
} from './client.ts'
import { knownDifference } from './known-differences.ts'
import type { ForeignPart } from './trust-material.ts'

/** What one thing that was tried came to. Seconds are of the clock on the wall. */
export type Outcome =
  | {
      readonly result: 'passed'
      readonly seconds: number
      /** Why it passed only when it was tried once more. */
      readonly failedFirst?: string
    }
  | Failed
  /** Two clients disagree with each other, whatever stack is between them. */
  | { readonly result: 'differs'; readonly reason: string }
  /** Nothing to try: the client does not read this, or what it would read was never signed. */
  | { readonly result: 'not applicable' }

type Failed = { readonly result: 'failed'; readonly reason: string }

export type Named = { readonly name: string; readonly version: string }

export type Matrix = {
  readonly signers: readonly (Named & { readonly kind: Kind; readonly signed: Outcome })[]
  readonly verifiers: readonly Named[]
  /** Rows are the signers, columns the verifiers. */
  readonly cells: readonly (readonly Outcome[])[]
  /** Passed means that the verifier refused. Columns are the verifiers. */
  readonly refusals: readonly { readonly name: string; readonly cells: readonly Outcome[] }[]
  readonly checks: readonly { readonly name: string; readonly outcome: Outcome }[]
}

export type Installed = { readonly client: Client; readonly installed: InstalledClient }

export type MatrixOptions = {
  readonly clients: readonly Installed[]
  readonly endpoints: Endpoints
  readonly trust: TrustFiles
  readonly foreignTrust: Readonly<Record<ForeignPart, TrustFiles>>
  readonly identity: Identity
  /** Everything written lands below it. */
  readonly folder: string
  /** A runner that gives the client a home of its own. */
  readonly runIn: (home: string) => Run
  readonly token: () => Promise<string>
  readonly onProgress: (message: string) => void
}

type Tried = Extract<Outcome, { result: 'passed' }> | (Failed & { readonly isFinal: boolean })

type Row = { readonly session: Session; readonly signer: Signer; readonly job: VerifyJob } & Named
type Column = { readonly session: Session; readonly verifier: Verifier } & Named

export async function runMatrix(options: MatrixOptions): Promise<Matrix> {
  const { clients, foreignTrust, onProgress } = options
  const rows: Row[] = []
  const columns: Column[] = []
  const checks: { name: string; outcome: Outcome }[] = []
  const sessions = new Map<Client, Session>()
  for (const { client, installed } of clients) {
    const session = await openSession(options, client)
    sessions.set(client, session)
    const { version } = installed
    for (const signer of installed.signers) {
      const name = label(client.name, signer.way, signer.kind === 'attestation' ? 'attest' : undefined)
      rows.push({ name, version, session, signer, job: await newJob(options, name) })
    }
    for (const verifier of installed.verifiers) {
      const onlyAttestations = verifier.kinds.every((kind) => kind === 'attestation')
      const name = label(client.name, verifier.way, onlyAttestations ? 'attestation' : undefined)
      columns.push({ name, version, session, verifier })
    }
  }

  const signed: Outcome[] = []
  for (const { name, session, signer, job } of rows) {
    onProgress(`${name} signs`)
    signed.push(await attemptTwice(() => signer.sign(session, job)))
  }
  const isSigned = (row: number): boolean => signed[row]?.result === 'passed'

  const cells: Outcome[][] = []
  for (const [index, { name, signer, job }] of rows.entries()) {
    const line: Outcome[] = []
    for (const { name: verifierName, session, verifier } of columns) {
      const applies = isSigned(index) && verifier.kinds.includes(signer.kind)
      if (applies) onProgress(`${verifierName} verifies what ${name} signed`)
      const reason = knownDifference(name, verifierName)
      const attempt = reason === undefined ? attemptTwice : attemptOnce
      const outcome: Outcome = applies
        ? await attempt(() => verifier.verify(session, job))
        : { result: 'not applicable' }
      line.push(outcome.result === 'failed' && reason !== undefined ? { result: 'differs', reason } : outcome)
    }
    cells.push(line)
  }

  const refusals = []
  for (const { name, alter, of } of alterations(foreignTrust)) {
    const line: Outcome[] = []
    for (const [column, { name: verifierName, session, verifier }] of columns.entries()) {
      const accepted = rows.filter((_, index) => cells[index]?.[column]?.result === 'passed')
      // One of each kind, so that every way through a verifier is refused once.
      const tried = accepted.filter(
        (row, index) => accepted.findIndex((each) => each.signer.kind === row.signer.kind) === index,
      )
      if (tried.length === 0 || !looksAt(verifier, of)) {
        line.push({ result: 'not applicable' })
        continue
      }
      onProgress(`${verifierName} must refuse ${name}`)
      line.push(
        await attemptTwice(async () => {
          for (const { job } of tried) {
            onProgress(`  ${await refusalOf(verifier, session, await alter(job))}`)
          }
        }),
      )
    }
    refusals.push({ name, cells: line })
  }

  for (const { client, installed } of clients) {
    const session = sessions.get(client)
    for (const check of installed.checks ?? []) {
      const entry = rows.find(({ signer }, index) => signer.kind === check.kind && isSigned(index))
      if (entry === undefined || session === undefined) continue
      onProgress(`${client.name}: ${check.name}`)
      const outcome = await attemptTwice(() => check.run(session, entry.job))
      checks.push({ name: `${client.name}: ${check.name}`, outcome })
    }
  }
  return {
    signers: rows.map(({ name, version, signer }, index) => ({
      name,
      version,
      kind: signer.kind,
      signed: signed[index] ?? { result: 'not applicable' },
    })),
    verifiers: columns.map(({ name, version }) => ({ name, version })),
    cells,
    refusals,
    checks,
  }
}

function label(name: string, ...more: readonly (string | undefined)[]): string {
  const ways = more.filter((way) => way !== undefined)
  return ways.length === 0 ? name : `${name} (${ways.join(', ')})`
}

export async function openSession(
  options: Pick<MatrixOptions, 'folder' | 'endpoints' | 'runIn' | 'token'>,
  client: Client,
): Promise<Session> {
  const folder = path.join(options.folder, 'clients', fileName(client.name))
  const home = path.join(folder, 'home')
  await mkdir(home, { recursive: true })
  return { endpoints: options.endpoints, folder, run: options.runIn(home), token: options.token }
}

/** Every signer has a file of its own, so that none meets an entry of another. */
export async function newJob(
  { folder, trust, identity }: Pick<MatrixOptions, 'folder' | 'trust' | 'identity'>,
  name: string,
): Promise<VerifyJob> {
  const file = path.join(folder, `${fileName(name)}.txt`)
  await writeFile(file, `signed by ${name} at ${new Date().toISOString()}\n`)
  return { file, bundle: `${file}.sigstore.json`, trust, identity }
}

function fileName(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9.]+/g, '-').replace(/-$/, '')
}

type Alteration = {
  readonly name: string
  /** What a client has to look at to notice. */
  readonly of: 'certificate' | 'content' | 'log'
  readonly alter: (job: VerifyJob) => Promise<VerifyJob>
}

function alterations(foreignTrust: MatrixOptions['foreignTrust']): readonly Alteration[] {
  return [
    {
      name: 'another identity',
      of: 'certificate',
      alter: async (job) => ({ ...job, identity: { ...job.identity, email: `not-${job.identity.email}` } }),
    },
    {
      name: 'another token issuer',
      of: 'certificate',
      alter: async (job) => ({
        ...job,
        identity: { ...job.identity, issuer: 'https://issuer.example.org' },
      }),
    },
    {
      name: 'an altered file',
      of: 'content',
      alter: async (job) => {
        const file = `${job.file}.altered`
        await copyFile(job.file, file)
        await appendFile(file, 'altered\n')
        return { ...job, file }
      },
    },
    ...(['log', 'certificate log', 'CA'] as const).map((part) => ({
      name: `the trust of another stack's ${part}`,
      of: part === 'log' ? ('log' as const) : ('certificate' as const),
      alter: async (job: VerifyJob) => ({ ...job, trust: foreignTrust[part] }),
    })),
  ]
}

function looksAt({ checksCertificate, checksLog }: Verifier, of: Alteration['of']): boolean {
  return (of === 'certificate' ? checksCertificate : of === 'log' ? checksLog : true) !== false
}

/** What it says when it refuses, as it must. */
async function refusalOf(verifier: Verifier, session: Session, job: VerifyJob): Promise<string> {
  try {
    await verifier.verify(session, job)
  } catch (error) {
    // Running out of time, or not starting at all, is no refusal.
    if (error instanceof InteropError && error.code === 'failed') return error.message
    throw error
  }
  throw new InteropError('accepted', `accepted ${path.basename(job.bundle)}`)
}

/** A busy machine or a lost connection is seen once; what is wrong is wrong again. No second try makes an acceptance good. */
async function attemptTwice(action: () => Promise<void>): Promise<Outcome> {
  const first = await attemptOnce(action)
  if (first.result !== 'failed' || first.isFinal) return first
  const second = await attemptOnce(action)
  return second.result === 'passed' ? { ...second, failedFirst: first.reason } : second
}

async function attemptOnce(action: () => Promise<void>): Promise<Tried> {
  const start = performance.now()
  try {
    await action()
    return { result: 'passed', seconds: (performance.now() - start) / 1000 }
  } catch (error) {
    const isFinal = error instanceof InteropError && ['accepted', 'went_outside'].includes(error.code)
    return { result: 'failed', reason: reasonOf(error), isFinal }
  }
}

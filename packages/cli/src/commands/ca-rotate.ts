/** Rotation in one go or in two steps. An authority never issues before the published trusted root lists it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { equalBytes, parsePemBlocks } from '@sigstack/crypto'
import { parseTrustedRoot } from '@sigstack/trust-root'
import { dataFolder, readEndpoints } from '../endpoints.ts'
import { CliError } from '../errors.ts'
import type { Io } from '../io.ts'
import { readLocation } from '../location.ts'
import { readTrustedRoot } from '../trust-source.ts'
import { attempt, ceremonyFolder, type FolderOptions, loadStack } from './ca-folder.ts'

export type RotateOptions = FolderOptions & {
  readonly prepare?: boolean
  readonly commit?: string
  readonly key?: string
  readonly trustedRoot?: string
  readonly caUrl?: string
  readonly timeout: string
}

type Chain = readonly { readonly der: Uint8Array }[]

const pollMs = 500
/** A CA looks at its files at least this often. */
const noticeMs = 15_000

export async function rotate(io: Io, options: RotateOptions): Promise<void> {
  const timeoutMs = secondsOf(options.timeout) * 1000
  const { commitRotation } = await loadStack()
  const folder = await ceremonyFolder(io, options)
  const { name, chain } = await attempt(() => successor(io, options))
  if (options.prepare === true) {
    io.err(`The authority ${name} is prepared. Once clients know it: sigstack ca rotate --commit ${name}\n`)
    if (options.json === true) io.out(`${JSON.stringify({ name, issues: false })}\n`)
    return
  }
  io.err('waiting until the published trusted root lists it ...\n')
  await waitUntil(timeoutMs, async () => isPublished(await readTrustedRoot(io, options), chain)).catch(
    (cause: unknown) => {
      throw new CliError('not_published', `the published trusted root does not list the authority ${name}`, {
        cause,
        advice: `Nothing has changed yet. When it is published: sigstack ca rotate --commit ${name}`,
      })
    },
  )
  await attempt(() => commitRotation({ ...folder, name, now: new Date() }))
  io.err(await tellWhetherItIssues(io, options, name, chain))
  if (options.json === true) io.out(`${JSON.stringify({ name, issues: true })}\n`)
}

/** The one that `--commit` names; else one that is ready and newer than the issuing one; else, and with `--key`, a new one. */
async function successor(io: Io, options: RotateOptions): Promise<{ name: string; chain: Chain }> {
  const { listAuthorities, prepareRotation } = await loadStack()
  const folder = await ceremonyFolder(io, options)
  const listed = await listAuthorities(folder)
  const isReady = ({ state, chain }: (typeof listed)[number]) => state === 'ready' && chain !== undefined
  const { commit, key } = options
  if (commit !== undefined && key !== undefined)
    throw new CliError('bad_usage', '--commit names an authority that has its key already; leave out --key')
  if (commit !== undefined) {
    const named = listed.find(({ name }) => name === commit)
    if (named?.chain === undefined || !isReady(named))
      throw new CliError('bad_authority', `the authority ${commit} is not ready to issue`, {
        advice: 'See `sigstack ca chains`.',
      })
    return { name: commit, chain: named.chain }
  }
  const issuing = listed.findIndex(({ state }) => state === 'issues')
  const prepared = listed.slice(issuing + 1).findLast(isReady)
  if (key === undefined && prepared?.chain !== undefined)
    return { name: prepared.name, chain: prepared.chain }
  return prepareRotation({ ...folder, ...(key !== undefined && { keyUri: key }), now: new Date() })
}

function isPublished(trustedRoot: string, chain: Chain): boolean {
  const now = new Date()
  return parseTrustedRoot(trustedRoot).certificateAuthorities.some(
    ({ chain: listed, validFor }) =>
      sameChain(listed, chain) &&
      (validFor.start === undefined || validFor.start <= now) &&
      (validFor.end === undefined || validFor.end > now),
  )
}

async function tellWhetherItIssues(
  io: Io,
  options: RotateOptions,
  name: string,
  chain: Chain,
): Promise<string> {
  const url = options.caUrl ?? (await caOfStack(io, options))
  if (url === undefined) return `The authority ${name} issues as soon as the CA has read its files again.\n`
  try {
    await waitUntil(noticeMs, async () => {
      const text = await readLocation(`${url.replace(/\/+$/, '')}/api/v2/trustBundle`, 'trust bundle')
      const bundle = JSON.parse(text) as { chains?: { certificates?: string[] }[] }
      const first = bundle.chains?.[0]?.certificates?.join('\n') ?? ''
      return sameChain(
        parsePemBlocks(first).map(({ der }) => der),
        chain,
      )
    })
    return `The authority ${name} issues. The one before stays trusted until: sigstack ca retire NAME\n`
  } catch {
    return `The authority ${name} is to issue, but ${url} does not say so yet; see the log of the CA.\n`
  }
}

async function caOfStack(io: Io, options: RotateOptions): Promise<string | undefined> {
  if (options.caData !== undefined) return undefined
  try {
    return (await readEndpoints(dataFolder(io, options.data))).services['ca']
  } catch {
    return undefined
  }
}

async function waitUntil(limitMs: number, condition: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + limitMs
  for (;;) {
    let trouble: unknown
    try {
      if (await condition()) return
    } catch (error) {
      trouble = error
    }
    if (performance.now() >= end) throw trouble ?? new Error('it took too long')
    await sleep(Math.min(pollMs, limitMs))
  }
}

function sameChain(listed: readonly Uint8Array[], chain: Chain): boolean {
  return (
    listed.length === chain.length &&
    listed.every((der, position) => equalBytes(der, chain[position]?.der ?? new Uint8Array()))
  )
}

function secondsOf(text: string): number {
  if (!/^[0-9]{1,5}$/.test(text)) throw new CliError('bad_usage', `--timeout ${text} is no number of seconds`)
  return Number(text)
}

/** Rotation in one go or in two steps. An authority is never in use before the published trusted root lists it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { listAuthorities } from '@sigstack/ca-authority'
import { equalBytes, parsePemBlocks, withoutEnd } from '@sigstack/crypto'
import type { CertificateAuthority } from '@sigstack/trust-root'
import { dataFolder, readEndpoints } from '../endpoints.ts'
import { CliError } from '../errors.ts'
import type { Io } from '../io.ts'
import { readLocation } from '../location.ts'
import { readTrustedRoot } from '../trust-source.ts'
import type { AuthorityKind } from './authority-kind.ts'
import { attempt, type FolderOptions } from './ca-folder.ts'

export type RotateOptions = FolderOptions & {
  readonly prepare?: boolean
  readonly commit?: string
  readonly key?: string
  readonly trustedRoot?: string
  /** Where the service answers. */
  readonly url?: string
  readonly timeout: string
}

type Chain = readonly { readonly der: Uint8Array }[]

const pollMs = 500
/** A service looks at its files at least this often. */
const noticeMs = 15_000

export async function rotate(kind: AuthorityKind, io: Io, options: RotateOptions): Promise<void> {
  const { command, does, todo, notice } = kind
  const timeoutMs = secondsOf(options.timeout) * 1000
  const folder = await kind.folder(io, options)
  // Where nothing is published, the wait would be in vain.
  if (options.prepare !== true && options.trustedRoot === undefined)
    await readLocation(
      (await readEndpoints(dataFolder(io, options.data))).trust.trustedRoot,
      'published trusted root',
    )
  const { name, chain } = await attempt(() => successor(kind, io, options))
  if (options.prepare === true) {
    io.err(
      `The authority ${name} is prepared. Once clients know it: sigstack ${command} rotate --commit ${name}\n${notice}`,
    )
    if (options.json === true) io.out(`${JSON.stringify({ name, [does]: false })}\n`)
    return
  }
  io.err(`${notice}waiting until the published trusted root lists it ...\n`)
  await waitUntil(timeoutMs, async () =>
    isPublished(kind.listedIn((await readTrustedRoot(io, options)).trustedRoot), chain),
  ).catch((cause: unknown) => {
    throw new CliError('not_published', `the published trusted root does not list the authority ${name}`, {
      cause,
      advice: `It does not ${todo}, and waits in the folder of the ${kind.name}. When it is published: sigstack ${command} rotate --commit ${name}`,
    })
  })
  await attempt(() => kind.commit({ ...folder, name, now: new Date() }))
  io.err(await tellWhetherItIsInUse(kind, io, options, { name, chain }))
  if (options.json === true) io.out(`${JSON.stringify({ name, [does]: true })}\n`)
}

/** The one that `--commit` names; else the newest that is prepared; else, and with `--key`, a new one. */
async function successor(
  kind: AuthorityKind,
  io: Io,
  options: RotateOptions,
): Promise<{ name: string; chain: Chain }> {
  const folder = await kind.folder(io, options)
  const listed = await listAuthorities(folder)
  const isReady = ({ state, chain }: (typeof listed)[number]) => state === 'ready' && chain !== undefined
  const { commit, key } = options
  if (commit !== undefined && key !== undefined)
    throw new CliError('bad_usage', '--commit names an authority that has its key already; leave out --key')
  if (commit !== undefined) {
    const named = listed.find(({ name }) => name === commit)
    if (named?.chain === undefined || !isReady(named))
      throw new CliError('bad_authority', `the authority ${commit} is not ready to ${kind.todo}`, {
        advice: `See \`sigstack ${kind.command} chains\`.`,
      })
    return { name: commit, chain: named.chain }
  }
  const prepared = listed.findLast((each) => isReady(each) && each.use === 'prepared')
  if (key === undefined && prepared?.chain !== undefined)
    return { name: prepared.name, chain: prepared.chain }
  return kind.prepare({ ...folder, ...(key !== undefined && { keyUri: key }), now: new Date() })
}

function isPublished(authorities: readonly CertificateAuthority[], chain: Chain): boolean {
  const now = new Date()
  return authorities.some(
    ({ chain: listed, validFor }) =>
      sameChain(listed, chain) &&
      (validFor.start === undefined || validFor.start <= now) &&
      (validFor.end === undefined || validFor.end > now),
  )
}

async function tellWhetherItIsInUse(
  kind: AuthorityKind,
  io: Io,
  options: RotateOptions,
  { name, chain }: { readonly name: string; readonly chain: Chain },
): Promise<string> {
  const { command, does, todo } = kind
  const url = options.url ?? (await serviceOfStack(kind, io, options))
  if (url === undefined)
    return `The authority ${name} ${does} as soon as the ${kind.name} has read its files again.\n`
  try {
    await waitUntil(noticeMs, async () => {
      const text = await readLocation(`${withoutEnd(url, '/')}${kind.bundlePath}`, 'trust bundle')
      const bundle = JSON.parse(text) as { chains?: { certificates?: string[] }[] }
      const first = bundle.chains?.[0]?.certificates?.join('\n') ?? ''
      return sameChain(
        parsePemBlocks(first).map(({ der }) => der),
        chain,
      )
    })
    return `The authority ${name} ${does}. The one before stays trusted until: sigstack ${command} retire NAME\n`
  } catch {
    return `The authority ${name} is to ${todo}, but ${url} does not say so yet; see the log of the ${kind.name}.\n`
  }
}

async function serviceOfStack(
  { command }: AuthorityKind,
  io: Io,
  options: RotateOptions,
): Promise<string | undefined> {
  if (options.caData !== undefined || options.tsaData !== undefined) return undefined
  try {
    return (await readEndpoints(dataFolder(io, options.data))).services[command]
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

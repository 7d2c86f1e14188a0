/** Every authority of a CA at one moment: the one that issues, and those that are trusted beside it. */
import { readFile } from 'node:fs/promises'
import type { Signer } from '@sigstack/crypto'
import { openKeyFile, openSigner, type SignerOptions } from '@sigstack/signers'
import type { Certificate } from '@sigstack/x509'
import type { Authority } from './authority.ts'
import { checkedAuthority, loadOrCreateAuthority, openAuthority } from './authority-files.ts'
import {
  type AuthorityPlace,
  exists,
  type FolderState,
  firstName,
  placeOf,
  readFolder,
  watchedPaths,
} from './authority-folder.ts'
import { assertTrustable, readChain, readTrustedChains } from './chain-files.ts'
import { AuthorityError } from './errors.ts'

export type AuthoritySet = {
  readonly issuing: Authority
  /** Chains that issue no more, or not yet, and that clients are to trust. */
  readonly others: readonly (readonly Certificate[])[]
}

export type AuthoritySetOptions = {
  readonly folder: string
  /** The pair that the environment names, in place of the one in the folder. */
  readonly ownAuthority?: { readonly keyUri: string; readonly chainPath: string }
  readonly trustedChainsPath?: string
  /** Of the pair that the environment names; undefined where its key is not encrypted. */
  readonly ownPassword?: string
  /** Of the keys in the folder; asked for only when there are some. */
  readonly folderPassword: () => Promise<string>
  /** For one signature of a key that is no file. */
  readonly signTimeoutMs?: number
  readonly organization: string
  readonly now: Date
  /** Whether the first authority is made where there is none. Not while one issues: a folder that has gone is no wish for a new root. */
  readonly mayMake: boolean
}

/** Throws a SignerError or an {@link AuthorityError}. */
export async function openAuthoritySet(options: AuthoritySetOptions): Promise<AuthoritySet> {
  const { folder, trustedChainsPath } = options
  const state = await readFolder(folder)
  const issuing = await openIssuing(state, options)
  const others: (readonly Certificate[])[] = []
  for (const place of state.places) {
    if (place.name === state.issuing || state.retired.has(place.name)) continue
    const chainPath = chainPathOf(place, options)
    if (!(await exists(chainPath))) continue
    const chain = await readChain(chainPath)
    await assertTrustable(chain, chainPath)
    others.push(chain)
  }
  if (trustedChainsPath !== undefined) others.push(...(await readTrustedChains(trustedChainsPath)))
  return { issuing, others: distinct(others, issuing.chain) }
}

export async function authorityPaths(
  options: Pick<AuthoritySetOptions, 'folder' | 'ownAuthority' | 'trustedChainsPath'>,
): Promise<readonly string[]> {
  const { folder, ownAuthority, trustedChainsPath } = options
  return [
    ...(await watchedPaths(folder)),
    ...(ownAuthority === undefined ? [] : [ownAuthority.chainPath]),
    ...(trustedChainsPath === undefined ? [] : [trustedChainsPath]),
  ]
}

async function openIssuing(state: FolderState, options: AuthoritySetOptions): Promise<Authority> {
  const { folder, ownAuthority, organization, now, ownPassword, folderPassword, signTimeoutMs, mayMake } =
    options
  const timeLimit = signTimeoutMs === undefined ? {} : { timeoutMs: signTimeoutMs }
  if (state.retired.has(state.issuing))
    throw new AuthorityError('chain_refused', `the authority ${state.issuing} issues and is retired as well`)
  if (state.issuing !== firstName) {
    const place = state.places.find(({ name }) => name === state.issuing)
    if (place === undefined)
      throw new AuthorityError(
        'folder_unusable',
        `${folder}/issuing names the authority ${state.issuing}, which is not in ${folder}/authorities`,
      )
    return openPlace(place, folderPassword, now, timeLimit)
  }
  if (ownAuthority !== undefined)
    return openAuthority({
      ...ownAuthority,
      ...timeLimit,
      ...(ownPassword !== undefined && { password: ownPassword }),
      now,
    })
  await refuseToForestall(state, folder)
  const { chainPath } = placeOf(folder, firstName)
  if (!mayMake && !(await exists(chainPath)))
    throw new AuthorityError('chain_unreadable', `the chain ${chainPath} has gone`)
  return loadOrCreateAuthority({ folder, password: await folderPassword(), organization, now })
}

/** With a request on its way to another CA, a root of our own is not what the operator wants. */
async function refuseToForestall({ places }: FolderState, folder: string): Promise<void> {
  const [first, ...later] = places
  if (first === undefined || later.length === 0 || (await exists(first.chainPath))) return
  throw new AuthorityError(
    'chain_unreadable',
    `in ${folder} the authority ${later[0]?.name ?? ''} waits for its chain; install it with \`sigstack ca install CHAIN.pem\``,
  )
}

/** Opens the key of `place` and checks it with its chain. */
export async function openPlace(
  place: AuthorityPlace,
  password: () => Promise<string>,
  now: Date,
  timeLimit: Pick<SignerOptions, 'timeoutMs'> = {},
): Promise<Authority> {
  const signer = await openPlaceSigner(place, password, timeLimit)
  return checkedAuthority(signer, await readChain(place.chainPath), place.chainPath, now)
}

export async function openPlaceSigner(
  { keyPath, keyUriPath }: AuthorityPlace,
  password: () => Promise<string>,
  timeLimit: Pick<SignerOptions, 'timeoutMs'> = {},
): Promise<Signer> {
  if (keyUriPath !== undefined && (await exists(keyUriPath)))
    return openSigner((await readFile(keyUriPath, 'utf8')).trim(), timeLimit)
  return openKeyFile(keyPath, await password())
}

function chainPathOf(place: AuthorityPlace, { ownAuthority }: AuthoritySetOptions): string {
  return place.name === firstName && ownAuthority !== undefined ? ownAuthority.chainPath : place.chainPath
}

function distinct(
  chains: readonly (readonly Certificate[])[],
  issuing: readonly Certificate[],
): readonly (readonly Certificate[])[] {
  const keyOf = (chain: readonly Certificate[]): string =>
    chain.map(({ der }) => Buffer.from(der).toString('base64')).join()
  const seen = new Set([keyOf(issuing)])
  return chains.filter((chain) => {
    const key = keyOf(chain)
    if (seen.has(key)) return false
    seen.add(key)
    return true
  })
}

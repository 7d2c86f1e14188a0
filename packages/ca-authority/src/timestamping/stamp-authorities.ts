/** Every authority of a timestamp service at one moment: the one that stamps, and those that are trusted beside it. */
import { equalBytes, type Signer } from '@sigstack/crypto'
import { openSigner } from '@sigstack/signers'
import type { Certificate } from '@sigstack/x509'
import type { Authority } from '../authority.ts'
import { type AuthorityPlace, exists, readFolder, watchedPaths } from '../authority-folder.ts'
import { type AuthoritySetOptions, openPlaceSigner } from '../authority-set.ts'
import { readChain, readTrustedChains } from '../chain-files.ts'
import { AuthorityError } from '../errors.ts'
import { demandStampChain, makeFirst } from './stamp-folder.ts'

export type StampAuthority = Authority

export type StampAuthorities = {
  readonly stamping: StampAuthority
  /** Chains that stamp no more, or not yet, and that clients are to trust. */
  readonly others: readonly (readonly Certificate[])[]
}

/** Throws a SignerError or an {@link AuthorityError}. */
export async function openStampAuthorities(options: AuthoritySetOptions): Promise<StampAuthorities> {
  const { folder, ownAuthority, trustedChainsPath, now } = options
  const stamping = await openStamping(options)
  const { places, issuing, retired } = await readFolder(folder)
  const others: (readonly Certificate[])[] = []
  for (const { name, chainPath } of places) {
    if (retired.has(name) || !(await exists(chainPath))) continue
    if (ownAuthority === undefined && name === issuing) continue
    const chain = await readChain(chainPath)
    await demandStampChain(chain, chainPath)
    others.push(chain)
  }
  if (trustedChainsPath !== undefined)
    for (const chain of await readTrustedChains(trustedChainsPath)) {
      await demandStampChain(chain, trustedChainsPath)
      others.push(chain)
    }
  const [leaf] = stamping.chain
  if (leaf.notBefore > now)
    throw new AuthorityError('chain_refused', 'the certificate that stamps is not valid yet')
  return {
    stamping,
    others: others.filter(([other]) => other === undefined || !equalBytes(other.der, leaf.der)),
  }
}

export async function stampAuthorityPaths({
  folder,
  ownAuthority,
  trustedChainsPath,
}: Pick<AuthoritySetOptions, 'folder' | 'ownAuthority' | 'trustedChainsPath'>): Promise<readonly string[]> {
  return [
    ...(await watchedPaths(folder)),
    ...(ownAuthority === undefined ? [] : [ownAuthority.chainPath]),
    ...(trustedChainsPath === undefined ? [] : [trustedChainsPath]),
  ]
}

async function openStamping(options: AuthoritySetOptions): Promise<StampAuthority> {
  const { folder, ownAuthority, organization, now, mayMake, signTimeoutMs, folderPassword } = options
  const timeLimit = signTimeoutMs === undefined ? {} : { timeoutMs: signTimeoutMs }
  if (ownAuthority !== undefined) {
    const { keyUri, chainPath } = ownAuthority
    const password = options.ownPassword
    const signer = await openSigner(keyUri, { ...timeLimit, ...(password !== undefined && { password }) })
    return checked(signer, chainPath, now)
  }
  let state = await readFolder(folder)
  if (!state.places.some(({ name }) => name === state.issuing && name !== 'first')) {
    if (!mayMake)
      throw new AuthorityError('chain_unreadable', `the certificate that stamps has gone from ${folder}`)
    await makeFirst({ folder, password: await folderPassword(), organization, now })
    state = await readFolder(folder)
  }
  const place = state.places.find(({ name }) => name === state.issuing)
  if (place === undefined || state.retired.has(state.issuing))
    throw new AuthorityError(
      'folder_unusable',
      `${folder}/issuing names the authority ${state.issuing}, which is not there or is retired`,
    )
  return openStampPlace(place, folderPassword, now, timeLimit)
}

/** Opens the key of `place` and checks it with its chain. */
export async function openStampPlace(
  place: AuthorityPlace,
  password: () => Promise<string>,
  now: Date,
  timeLimit: { readonly timeoutMs?: number } = {},
): Promise<StampAuthority> {
  return checked(await openPlaceSigner(place, password, timeLimit), place.chainPath, now)
}

async function checked(signer: Signer, chainPath: string, now: Date): Promise<StampAuthority> {
  const chain = await readChain(chainPath)
  await demandStampChain(chain, chainPath, { key: signer.publicKey, at: now })
  const [leaf, ...rest] = chain
  if (leaf === undefined) throw new Error('a chain without certificates passed its check')
  return { signer, chain: [leaf, ...rest] }
}

/**
 * How a timestamp authority gets another certificate before the one that stamps ends: prepared and published first, so that
 * clients know it, then put to use; the former stays published. A running service notices each step.
 */
import { quoted } from '@sigstack/crypto'
import type { Certificate } from '@sigstack/x509'
import { exists, readFolder, writeIssuing } from '../authority-folder.ts'
import {
  type CeremonyFolder,
  type ListedAuthority,
  listAuthorities,
  newKey,
  passwordOf,
  retireAuthority,
} from '../ceremony.ts'
import { writeChain } from '../chain-files.ts'
import { AuthorityError } from '../errors.ts'
import { openStampPlace } from './stamp-authorities.ts'
import { certifyStamping, lastingCa, openIntermediateKey } from './stamp-folder.ts'

export function listStampAuthorities(folder: CeremonyFolder): Promise<readonly ListedAuthority[]> {
  return listAuthorities(folder)
}

/**
 * Another key, or the one that `keyUri` names, certified by the intermediate in the folder. It is published, and stamps after
 * {@link commitStampRotation}.
 */
export async function prepareStampRotation(
  options: CeremonyFolder & { readonly keyUri?: string; readonly now: Date },
): Promise<{ readonly name: string; readonly chain: readonly Certificate[] }> {
  const { folder, now } = options
  const password = await passwordOf(options)
  const ca = await lastingCa(folder, password, now)
  const issuerSigner = await openIntermediateKey(folder, password)
  const { place, signer } = await newKey(options)
  const chain = await certifyStamping(ca, issuerSigner, { publicKey: signer.publicKey, now })
  await writeChain(place.chainPath, chain)
  return { name: place.name, chain }
}

/** From now on `name` stamps. Its chain must be in the published trusted root before: that is the caller's to see to. */
export async function commitStampRotation(
  options: CeremonyFolder & { readonly name: string; readonly now: Date },
): Promise<void> {
  const { folder, name, now } = options
  const { places, retired } = await readFolder(folder)
  const place = places.find((candidate) => candidate.name === name)
  if (place === undefined || retired.has(name) || !(await exists(place.chainPath)))
    throw new AuthorityError(
      'authority_unknown',
      `there is no authority ${quoted(name, 80)} that could stamp; see \`sigstack tsa chains\``,
    )
  // Everything that the service will check is checked before it has to.
  await openStampPlace(place, () => passwordOf(options), now)
  await writeIssuing(folder, name)
}

/** Takes `name` out of what is published, so that the trusted root gives it an end. Its stamps can still be verified. */
export function retireStampAuthority(options: CeremonyFolder & { readonly name: string }): Promise<void> {
  return retireAuthority({ ...options, words: { command: 'tsa', does: 'stamps', todo: 'stamp' } })
}

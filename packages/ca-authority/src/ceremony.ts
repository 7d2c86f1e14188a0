/**
 * What an operator does with the authorities in a CA's data folder: ask a company's CA for a certificate, install what it gave,
 * prepare another authority, let it issue, retire the old one. A running CA notices each step. Throws AuthorityError,
 * SignerError or X509Error, each one sentence.
 */
import { randomBytes } from 'node:crypto'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { equalBytes, quoted, type Signer } from '@sigstack/crypto'
import { loadOrCreateSigner, openKeyFile, openSigner } from '@sigstack/signers'
import {
  assertCaChain,
  type Certificate,
  createCaRequest,
  isSelfSigned,
  parseCertificatesPem,
  X509Error,
} from '@sigstack/x509'
import { makeIntermediate, makeKeyFolder } from './authority-files.ts'
import {
  type AuthorityPlace,
  exists,
  firstName,
  placeOf,
  readFolder,
  writeIssuing,
  writeRetired,
} from './authority-folder.ts'
import { openPlace, openPlaceSigner } from './authority-set.ts'
import { readChain, writeChain } from './chain-files.ts'
import { AuthorityError } from './errors.ts'
import { folderPassword } from './folder-password.ts'

export type CeremonyFolder = {
  readonly folder: string
  /** Of the key files; undefined: the random one beside them. */
  readonly password?: string
}

/** How one is spoken of: what it does, what it is to do, and the command whose `chains` lists it. */
export type AuthorityWords = {
  readonly command: 'ca' | 'tsa'
  readonly does: 'issues' | 'stamps'
  readonly todo: 'issue' | 'stamp'
}

const ofCertificates: AuthorityWords = { command: 'ca', does: 'issues', todo: 'issue' }

export type ListedAuthority = {
  readonly name: string
  readonly state: 'issues' | 'ready' | 'waits for its chain' | 'retired'
  readonly use: 'current' | 'former' | 'prepared'
  /** Absent while it waits. */
  readonly chain?: readonly Certificate[]
}

export async function listAuthorities({ folder }: CeremonyFolder): Promise<readonly ListedAuthority[]> {
  const { places, issuing, former, retired } = await readFolder(folder)
  const useOf = (name: string) => (name === issuing ? 'current' : former.has(name) ? 'former' : 'prepared')
  const listed: ListedAuthority[] = []
  for (const { name, chainPath } of places) {
    if (!(await exists(chainPath))) {
      if (name !== firstName) listed.push({ name, state: 'waits for its chain', use: 'prepared' })
      continue
    }
    const state = name === issuing ? 'issues' : retired.has(name) ? 'retired' : 'ready'
    listed.push({ name, state, use: useOf(name), chain: await readChain(chainPath) })
  }
  return listed
}

/** A new key, or the one that `keyUri` names, and a request for a certificate of it; the answer goes to {@link installChain}. */
export async function requestCertificate(
  options: CeremonyFolder & {
    readonly keyUri?: string
    readonly commonName: string
    readonly organization: string
    readonly now: Date
  },
): Promise<{ readonly name: string; readonly pem: string }> {
  const { commonName, organization } = options
  const { place, signer } = await newKey(options)
  try {
    const pem = await createCaRequest({ signer, commonName, organization })
    await writeFile(join(dirname(place.chainPath), 'request.pem'), pem, { flag: 'wx' })
    return { name: place.name, pem }
  } catch (error) {
    await rm(dirname(place.chainPath), { recursive: true, force: true })
    throw error
  }
}

/**
 * Puts the chain (issuing certificate first, self-signed root last) to the authority that waits for it, found by its key. It
 * issues at once where no authority ever did; else it is published only, until {@link commitRotation}.
 */
export async function installChain(
  options: CeremonyFolder & {
    readonly chainPem: string
    /** Whether another authority issues that is not in the folder, but in the CA's environment. */
    readonly issuesAlready?: boolean
    readonly now: Date
  },
): Promise<{ readonly name: string; readonly issues: boolean }> {
  const { folder, now } = options
  const chain = parseCertificatesPem(options.chainPem)
  const [issuing] = chain
  if (issuing === undefined)
    throw new X509Error('empty_chain', 'certificate chain must contain at least one certificate')
  const state = await readFolder(folder)
  for (const place of state.places) {
    if (place.name === firstName || (await exists(place.chainPath))) continue
    const signer = await openPlaceSigner(place, () => passwordOf(options))
    if (!equalBytes(signer.publicKey.spki, issuing.spki)) continue
    await assertCaChain(chain, signer.publicKey, now)
    await writeChain(place.chainPath, chain)
    const isFirst =
      options.issuesAlready !== true &&
      state.issuing === firstName &&
      !(await exists(placeOf(folder, firstName).chainPath))
    if (isFirst) await writeIssuing(folder, place.name)
    return { name: place.name, issues: isFirst }
  }
  throw new AuthorityError(
    'authority_unknown',
    'no authority waits for a chain with this key: the first certificate of the chain must be the answer to a request of `sigstack ca csr`',
  )
}

/**
 * Another key, or the one that `keyUri` names, certified by the root in the folder. It is published, and issues after
 * {@link commitRotation}.
 */
export async function prepareRotation(
  options: CeremonyFolder & { readonly keyUri?: string; readonly now: Date },
): Promise<{ readonly name: string; readonly chain: readonly Certificate[] }> {
  const { folder, now } = options
  const rootKeyPath = join(folder, 'root.key.pem')
  const first = placeOf(folder, firstName)
  if (!(await exists(first.chainPath))) throw rootMissing(folder)
  const root = (await readChain(first.chainPath)).at(-1)
  const rootSigner = await openRootKey(folder, rootKeyPath, await passwordOf(options))
  if (root === undefined || !(await isSelfSigned(root)) || !equalBytes(root.spki, rootSigner.publicKey.spki))
    throw new AuthorityError(
      'root_missing',
      `the key in ${rootKeyPath} is not that of the root in ${first.chainPath}`,
    )
  const { place, signer: issuing } = await newKey(options)
  const intermediate = await makeIntermediate({ root, rootSigner, publicKey: issuing.publicKey, now })
  const chain = [intermediate, root]
  await assertCaChain(chain, issuing.publicKey, now)
  await writeChain(place.chainPath, chain)
  return { name: place.name, chain }
}

/** Opened and never made: the file is there for a while only, and may be taken away at any moment. */
async function openRootKey(folder: string, path: string, password: string): Promise<Signer> {
  try {
    return await openKeyFile(path, password)
  } catch (cause) {
    throw (await exists(path)) ? cause : rootMissing(folder, cause)
  }
}

function rootMissing(folder: string, cause?: unknown): AuthorityError {
  return new AuthorityError(
    'root_missing',
    `the key of the root is not in ${folder}: put root.key.pem there for the time of the rotation, or ask another CA with \`sigstack ca csr\``,
    { cause },
  )
}

/** From now on `name` issues. Its chain must be in the published trusted root before: that is the caller's to see to. */
export async function commitRotation(
  options: CeremonyFolder & { readonly name: string; readonly now: Date },
): Promise<void> {
  const { folder, name, now } = options
  const { places, retired } = await readFolder(folder)
  const place = places.find((candidate) => candidate.name === name)
  if (place === undefined || retired.has(name)) throw unknown(name)
  // Everything that the CA will check is checked before it has to.
  if (name !== firstName || (await exists(place.chainPath)))
    await openPlace(place, () => passwordOf(options), now)
  await writeIssuing(folder, name)
}

/** Takes `name` out of what the CA publishes, so that the trusted root gives it an end. What it issued can still be verified. */
export async function retireAuthority(
  options: CeremonyFolder & { readonly name: string; readonly words?: AuthorityWords },
): Promise<void> {
  const { folder, name, words = ofCertificates } = options
  const { places, issuing, retired } = await readFolder(folder)
  if (!places.some((place) => place.name === name)) throw unknown(name, words)
  if (name === issuing)
    throw new AuthorityError(
      'authority_unknown',
      `the authority ${name} ${words.does}; let another one ${words.todo} first`,
    )
  await writeRetired(folder, new Set([...retired, name]))
}

export function passwordOf({ folder, password }: CeremonyFolder): Promise<string> {
  return folderPassword(folder, password)
}

/** A place with a new key, or with the URI of one kept elsewhere, which is opened before anything is written. */
export async function newKey(
  options: CeremonyFolder & { readonly keyUri?: string; readonly now: Date },
): Promise<{ readonly place: AuthorityPlace; readonly signer: Signer }> {
  const { keyUri } = options
  const elsewhere = keyUri === undefined ? undefined : await openSigner(keyUri)
  const place = await newPlace(options)
  try {
    if (elsewhere !== undefined && place.keyUriPath !== undefined)
      await writeFile(place.keyUriPath, `${keyUri}\n`, { flag: 'wx', mode: 0o600 })
    return {
      place,
      signer: elsewhere ?? (await loadOrCreateSigner(place.keyPath, await passwordOf(options))),
    }
  } catch (error) {
    await rm(dirname(place.chainPath), { recursive: true, force: true })
    throw error
  }
}

/** Named after the time, so that they sort, and after chance, so that two ceremonies do not meet. */
async function newPlace({ folder, now }: CeremonyFolder & { readonly now: Date }): Promise<AuthorityPlace> {
  const time = now.toISOString().slice(0, 19).replaceAll(':', '-').toLowerCase()
  const place = placeOf(folder, `${time}-${randomBytes(3).toString('hex')}`)
  await makeKeyFolder(join(folder, 'authorities'))
  await mkdir(dirname(place.chainPath), { mode: 0o700 })
  return place
}

function unknown(name: string, { command }: AuthorityWords = ofCertificates): AuthorityError {
  return new AuthorityError(
    'authority_unknown',
    `there is no authority ${quoted(name, 80)}; see \`sigstack ${command} chains\``,
  )
}

/** One authority by its files: made on first start in one folder, or brought by the operator. */
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { PublicKey, Signer } from '@sigstack/crypto'
import { errorCode, reasonOf } from '@sigstack/crypto'
import { makeFolder } from '@sigstack/server/files'
import { loadOrCreateSigner, openKeyFile, openSigner } from '@sigstack/signers'
import {
  assertCaChain,
  type Certificate,
  createIntermediate,
  createRoot,
  serialNumberFrom,
  X509Error,
} from '@sigstack/x509'
import type { Authority } from './authority.ts'
import { readChain, writeChain } from './chain-files.ts'
import { AuthorityError } from './errors.ts'

const rootYears = 10
const intermediateYears = 3

/** Opens a key and a chain file (issuing certificate first, root last) that the operator made. Throws a SignerError or {@link AuthorityError}. */
export async function openAuthority(options: {
  readonly keyUri: string
  readonly chainPath: string
  readonly password?: string
  readonly timeoutMs?: number
  readonly now: Date
}): Promise<Authority> {
  const { keyUri, chainPath, now, ...access } = options
  const signer = await openSigner(keyUri, access)
  return checkedAuthority(signer, await readChain(chainPath), chainPath, now)
}

/**
 * Opens the authority in `folder`, or makes it: a root, and an intermediate that issues. Safe when several replicas start
 * at once on one folder. The root's key may be taken away afterwards; it is needed only to make another intermediate.
 */
export async function loadOrCreateAuthority(options: {
  readonly folder: string
  readonly password: string
  readonly organization: string
  readonly now: Date
}): Promise<Authority> {
  const { folder, password, now } = options
  const chainPath = join(folder, 'chain.pem')
  const keyPath = join(folder, 'intermediate.key.pem')
  await makeKeyFolder(folder)
  if (await isMissing(chainPath)) {
    const rootKeyPath = join(folder, 'root.key.pem')
    // The root is made first, so this is no start that was broken off: a new root would be a new CA, in silence.
    if (!(await isMissing(keyPath)) && (await isMissing(rootKeyPath)))
      throw new AuthorityError(
        'root_missing',
        `${keyPath} is there, but neither chain.pem nor root.key.pem: put one of them back, or take the key away as well to begin with a new CA`,
      )
    const root = await loadOrCreateSigner(rootKeyPath, password)
    const issuing = await loadOrCreateSigner(keyPath, password)
    // Last, since the chain is what says that the authority is complete: after a crash before this line the keys
    // are found again and new certificates are made for them, which nobody has seen.
    await writeChain(chainPath, await makeChain(root, issuing, options))
  }
  const signer = await openKeyFile(keyPath, password)
  return checkedAuthority(signer, await readChain(chainPath), chainPath, now)
}

/** Clocks of replicas and verifiers differ, and what one has just made must be valid for the others. */
export function beginningOf(now: Date): Date {
  return new Date(now.getTime() - 300_000)
}

async function makeChain(
  rootSigner: Signer,
  issuing: Signer,
  { organization, now }: { readonly organization: string; readonly now: Date },
): Promise<readonly Certificate[]> {
  const root = await createRoot({
    signer: rootSigner,
    commonName: 'sigstack root',
    organization,
    notBefore: beginningOf(now),
    notAfter: yearsAfter(now, rootYears),
    serialNumber: serialNumberFrom(randomBytes(20)),
  })
  const intermediate = await makeIntermediate({ root, rootSigner, publicKey: issuing.publicKey, now })
  return [intermediate, root]
}

/** Of the first chain and of every one after it. */
export function makeIntermediate({
  now,
  ...issuance
}: {
  readonly root: Certificate
  readonly rootSigner: Signer
  readonly publicKey: PublicKey
  readonly now: Date
}): Promise<Certificate> {
  return createIntermediate({
    ...issuance,
    commonName: 'sigstack intermediate',
    notBefore: beginningOf(now),
    notAfter: yearsAfter(now, intermediateYears),
    serialNumber: serialNumberFrom(randomBytes(20)),
  })
}

export async function checkedAuthority(
  signer: Signer,
  chain: readonly Certificate[],
  chainPath: string,
  now: Date,
): Promise<Authority> {
  try {
    await assertCaChain(chain, signer.publicKey, now)
  } catch (cause) {
    if (!(cause instanceof X509Error)) throw cause
    throw new AuthorityError('chain_refused', `the chain in ${chainPath} cannot be used: ${cause.message}`, {
      cause,
    })
  }
  const [issuing, ...rest] = chain
  if (issuing === undefined) throw new Error('a chain without certificates passed its check')
  return { signer, chain: [issuing, ...rest] }
}

export async function makeKeyFolder(path: string): Promise<void> {
  try {
    await makeFolder(path, { mode: 0o700 })
  } catch (cause) {
    const reason = reasonOf(cause)
    throw new AuthorityError(
      'folder_unusable',
      `the folder ${path} for the CA's keys cannot be made: ${reason}`,
      {
        cause,
      },
    )
  }
}

export async function isMissing(path: string): Promise<boolean> {
  try {
    await readFile(path)
    return false
  } catch (error) {
    return errorCode(error) === 'ENOENT'
  }
}

export function yearsAfter(start: Date, years: number): Date {
  const end = new Date(start)
  end.setUTCFullYear(end.getUTCFullYear() + years)
  return end
}

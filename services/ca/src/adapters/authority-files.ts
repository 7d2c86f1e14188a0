/** The CA's keys and chain: made on first start in one folder, or brought by the operator. */
import { randomBytes } from 'node:crypto'
import { chmod, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CryptoError, equalBytes, type Signer } from '@sigstack/crypto'
import { loadOrCreateSigner, openSigner, SignerError, writeSecretFile } from '@sigstack/signers'
import {
  assertCaChain,
  type Certificate,
  createIntermediate,
  createRoot,
  encodeCertificatePem,
  isSelfSigned,
  parseCertificatesPem,
  serialNumberFrom,
  verifyChain,
  X509Error,
} from '@sigstack/x509'
import type { Authority } from '../issuance/dependencies.ts'

export type AuthorityErrorCode =
  | 'chain_unreadable'
  | 'chain_refused'
  | 'folder_unusable'
  | 'root_missing'
  | 'authority_unknown'

/** Stops the start, with one sentence for the operator. */
export class AuthorityError extends Error {
  override readonly name = 'AuthorityError'
  readonly code: AuthorityErrorCode
  constructor(code: AuthorityErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

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
  await makeFolder(folder)
  if (await isMissing(chainPath)) {
    const root = await loadOrCreateSigner(join(folder, 'root.key.pem'), password)
    const issuing = await loadOrCreateSigner(keyPath, password)
    // Last, since the chain is what says that the authority is complete: after a crash before this line the keys
    // are found again and new certificates are made for them, which nobody has seen.
    await writeChain(chainPath, await makeChain(root, issuing, options))
  }
  const signer = await openSigner(`file:${keyPath}`, { password })
  return checkedAuthority(signer, await readChain(chainPath), chainPath, now)
}

/**
 * Chains that are still, or already, to be trusted beside the CA's own: certificates that have ended count too. One file,
 * each chain in order and ended by its self-signed root. Throws {@link AuthorityError}.
 */
export async function readTrustedChains(path: string): Promise<readonly (readonly Certificate[])[]> {
  const chains: Certificate[][] = []
  let open: Certificate[] = []
  for (const certificate of await readChain(path)) {
    open.push(certificate)
    if (!equalBytes(certificate.subject, certificate.issuer)) continue
    chains.push(open)
    open = []
  }
  if (open.length > 0)
    throw new AuthorityError(
      'chain_refused',
      `the last chain in ${path} does not end with a self-signed root`,
    )
  for (const chain of chains) await assertTrustable(chain, path)
  return chains
}

export async function assertTrustable(chain: readonly Certificate[], path: string): Promise<void> {
  const root = chain.at(-1)
  try {
    if (root === undefined || !(await isSelfSigned(root)))
      throw new X509Error('root_not_self_signed', 'the root is not signed with its own key')
    await verifyChain(chain, { roots: [root], checkValidity: false })
  } catch (cause) {
    if (!(cause instanceof X509Error)) throw cause
    throw new AuthorityError('chain_refused', `a chain in ${path} cannot be trusted: ${cause.message}`, {
      cause,
    })
  }
}

export async function makeChain(
  rootSigner: Signer,
  issuing: Signer,
  { organization, now }: { readonly organization: string; readonly now: Date },
): Promise<readonly Certificate[]> {
  const root = await createRoot({
    signer: rootSigner,
    commonName: 'sigstack root',
    organization,
    notBefore: now,
    notAfter: yearsAfter(now, rootYears),
    serialNumber: serialNumberFrom(randomBytes(20)),
  })
  const intermediate = await createIntermediate({
    root,
    rootSigner,
    publicKey: issuing.publicKey,
    commonName: 'sigstack intermediate',
    notBefore: now,
    notAfter: yearsAfter(now, intermediateYears),
    serialNumber: serialNumberFrom(randomBytes(20)),
  })
  return [intermediate, root]
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

export async function readChain(path: string): Promise<readonly Certificate[]> {
  try {
    return parseCertificatesPem(await readFile(path, 'utf8'))
  } catch (cause) {
    const reason =
      cause instanceof X509Error || cause instanceof CryptoError ? cause.message : `it cannot be read`
    throw new AuthorityError('chain_unreadable', `the certificate chain ${path} is not usable: ${reason}`, {
      cause,
    })
  }
}

export async function writeChain(path: string, chain: readonly Certificate[]): Promise<void> {
  try {
    await writeSecretFile(path, chain.map(({ der }) => encodeCertificatePem(der)).join(''))
    // It is public, unlike its neighbours.
    await chmod(path, 0o644)
  } catch (error) {
    // Another replica was faster. The keys are the same, and its certificates count.
    if (!(error instanceof SignerError) || error.code !== 'already_exists') throw error
  }
}

export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 })
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'unknown reason'
    throw new AuthorityError(
      'folder_unusable',
      `the folder ${path} for the CA's keys cannot be made: ${reason}`,
      {
        cause,
      },
    )
  }
}

async function isMissing(path: string): Promise<boolean> {
  try {
    await readFile(path)
    return false
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ENOENT'
  }
}

function yearsAfter(start: Date, years: number): Date {
  const end = new Date(start)
  end.setUTCFullYear(end.getUTCFullYear() + years)
  return end
}

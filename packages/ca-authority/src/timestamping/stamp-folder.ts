/**
 * Where a timestamp authority keeps its keys and chains.
 *
 *   root.key.pem, intermediate.key.pem   of the CA above it; the second is needed only to make another certificate that
 *                                        stamps, the first only to renew the second's
 *   authority.pem                        the CA's certificates: intermediate, root
 *   authorities/, stamping by `issuing`, `retired`
 *                                        as in the folder of a CA (authority-folder.ts), each with the chain of a
 *                                        certificate that stamps
 */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { equalBytes, type PublicKey, type Signer } from '@sigstack/crypto'
import { makeFolder, replaceFile } from '@sigstack/server/files'
import { loadOrCreateSigner, openKeyFile } from '@sigstack/signers'
import { assertStampChain } from '@sigstack/timestamp/chain'
import { TimestampError } from '@sigstack/timestamp/errors'
import {
  type Certificate,
  createIntermediate,
  createRoot,
  createStampingCertificate,
  encodeCertificatePem,
  serialNumberFrom,
} from '@sigstack/x509'
import { beginningOf, isMissing, makeKeyFolder, yearsAfter } from '../authority-files.ts'
import { exists, placeOf, readFolder, writeIssuing } from '../authority-folder.ts'
import { readChain, writeChain } from '../chain-files.ts'
import { AuthorityError } from '../errors.ts'

const rootYears = 20
const intermediateYears = 10
/** Of a certificate that stamps: long enough to be renewed once a year with time to spare. */
const stampingYears = 2

/** The name of the certificate that is made at the first start, the same in each replica. */
export const firstStampName = '0-first'

export type StampCa = { readonly intermediate: Certificate; readonly root: Certificate }

export function caChainPath(folder: string): string {
  return join(folder, 'authority.pem')
}

/** Makes the CA, and the first certificate under it, where nothing is yet. Safe when several replicas start at once on one folder. */
export async function makeFirst(options: {
  readonly folder: string
  readonly password: string
  readonly organization: string
  readonly now: Date
}): Promise<void> {
  const { folder, password, now } = options
  await makeKeyFolder(folder)
  const place = placeOf(folder, firstStampName)
  const ca = await loadOrCreateCa(options)
  const intermediateSigner = await loadOrCreateSigner(join(folder, 'intermediate.key.pem'), password)
  await makeFolder(join(folder, 'authorities'), { mode: 0o700 })
  await makeFolder(join(folder, 'authorities', firstStampName), { mode: 0o700 })
  const { publicKey } = await loadOrCreateSigner(place.keyPath, password)
  // After a crash before this line the keys are found again, and the certificates are new ones that nobody has seen.
  await writeChain(place.chainPath, await certifyStamping(ca, intermediateSigner, { publicKey, now }))
  if ((await readFolder(folder)).issuing === 'first') await writeIssuing(folder, firstStampName)
}

export async function readCa(folder: string): Promise<StampCa> {
  const [intermediate, root, surplus] = await readChain(caChainPath(folder))
  if (intermediate === undefined || root === undefined || surplus !== undefined)
    throw new AuthorityError(
      'chain_refused',
      `${caChainPath(folder)} must hold the intermediate certificate and the root above it`,
    )
  return { intermediate, root }
}

/** A chain of `publicKey`, checked as clients will. */
export async function certifyStamping(
  { intermediate, root }: StampCa,
  issuerSigner: Signer,
  { publicKey, now }: { readonly publicKey: PublicKey; readonly now: Date },
): Promise<readonly Certificate[]> {
  const leaf = await createStampingCertificate({
    issuer: intermediate,
    issuerSigner,
    publicKey,
    commonName: 'sigstack timestamp authority',
    notBefore: later(beginningOf(now), intermediate.notBefore),
    notAfter: yearsAfter(now, stampingYears),
    serialNumber: serialNumberFrom(randomBytes(20)),
  })
  const chain = [leaf, intermediate, root]
  await demandStampChain(chain, 'the new chain', { key: publicKey, at: now })
  return chain
}

/** The CA whose intermediate lasts as long as a new certificate would, renewed where the root's key is at hand. */
export async function lastingCa(folder: string, password: string, now: Date): Promise<StampCa> {
  const { intermediate, root } = await readCa(folder)
  const rootKeyPath = join(folder, 'root.key.pem')
  if (intermediate.notAfter >= yearsAfter(now, stampingYears) || !(await exists(rootKeyPath)))
    return { intermediate, root }
  const rootSigner = await openKeyFile(rootKeyPath, password)
  if (!equalBytes(root.spki, rootSigner.publicKey.spki)) return { intermediate, root }
  const renewed = await makeStampIntermediate({ root, rootSigner, publicKey: intermediate.publicKey, now })
  await replaceFile(caChainPath(folder), [renewed, root].map(({ der }) => encodeCertificatePem(der)).join(''))
  return { intermediate: renewed, root }
}

/** Opened and never made: the file is there for a while only, and may be taken away at any moment. */
export async function openIntermediateKey(folder: string, password: string): Promise<Signer> {
  const path = join(folder, 'intermediate.key.pem')
  if (!(await exists(path)))
    throw new AuthorityError(
      'root_missing',
      `the key of the intermediate is not in ${folder}: put intermediate.key.pem there for the time of the rotation`,
    )
  return openKeyFile(path, password)
}

/** Throws one sentence that names `what`. */
export async function demandStampChain(
  chain: readonly Certificate[],
  what: string,
  requirements: { readonly key?: PublicKey; readonly at?: Date } = {},
): Promise<void> {
  try {
    await assertStampChain(chain, requirements)
  } catch (cause) {
    if (!(cause instanceof TimestampError)) throw cause
    throw new AuthorityError('chain_refused', `${what}: ${cause.message}`, { cause })
  }
}

async function loadOrCreateCa(options: {
  readonly folder: string
  readonly password: string
  readonly organization: string
  readonly now: Date
}): Promise<StampCa> {
  const { folder, password, organization, now } = options
  if (await isMissing(caChainPath(folder))) {
    const rootSigner = await loadOrCreateSigner(join(folder, 'root.key.pem'), password)
    const { publicKey } = await loadOrCreateSigner(join(folder, 'intermediate.key.pem'), password)
    const root = await createRoot({
      signer: rootSigner,
      commonName: 'sigstack timestamp root',
      organization,
      notBefore: beginningOf(now),
      notAfter: yearsAfter(now, rootYears),
      serialNumber: serialNumberFrom(randomBytes(20)),
    })
    const intermediate = await makeStampIntermediate({ root, rootSigner, publicKey, now })
    await writeChain(caChainPath(folder), [intermediate, root])
  }
  return readCa(folder)
}

function makeStampIntermediate({
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
    use: 'timeStamping',
    commonName: 'sigstack timestamp intermediate',
    notBefore: later(beginningOf(now), issuance.root.notBefore),
    notAfter: yearsAfter(now, intermediateYears),
    serialNumber: serialNumberFrom(randomBytes(20)),
  })
}

function later(a: Date, b: Date): Date {
  return a > b ? a : b
}

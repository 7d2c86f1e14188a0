/** A signed JAR (JAR File Specification, "Signed JAR File"): from its signature down to every file that it covers. */
import { escaped, quoted, readDer } from '@sigstack/crypto'
import type { SignedData } from '@sigstack/timestamp/cms'
import { parseSignedData } from '../cms/signed-data.ts'
import { verifySignedData } from '../cms/verify-signed-data.ts'
import { EntryError } from '../errors.ts'
import type { CanonicalKey } from '../keys/canonical-key.ts'
import { bytesPerUnit, spend } from '../work.ts'
import { type Archive, openArchive } from './archive.ts'
import {
  assertDigest,
  digestsIn,
  type Manifest,
  malformed,
  matchDigests,
  type NamedDigest,
  parseManifest,
} from './manifest.ts'

export type SignedJar = { readonly signature: SignedData; readonly signer: CanonicalKey }

/** How many bytes are hashed for each of the archive, where it holds code or text, and how small its files are: more than that is paid for. */
const freeHashedFactor = 16
const freeBytesPerFile = 512
/** Signers that want to be read by old machines write a digest of theirs beside the new one. */
const freePasses = 2
/** Opening a file of the archive, beyond those that are free. */
const filesPerUnit = 16

/**
 * The one signature of a JAR in which signature, manifest and files agree, and which covers all of them. `metadataLimitBytes` is for each
 * file of META-INF. Throws `bad_format`, `bad_signature`, `too_large`, or what CMS throws.
 */
export async function verifySignedJar(bytes: Uint8Array, metadataLimitBytes: number): Promise<SignedJar> {
  const archive = await openArchive(bytes)
  const metadata = findMetadata(archive, metadataLimitBytes)
  const { manifestName, signatureFileName, signatureName } = metadata
  const signatureFile = await archive.read(signatureFileName)
  const manifestBytes = await archive.read(manifestName)
  const signature = parseSignedData(withoutPadding(await archive.read(signatureName)))
  const [signer, surplus] = await verifySignedData(signature, signatureFile)
  if (signer === undefined || surplus !== undefined)
    throw malformed('multiple signers detected in JAR; unable to process')
  const manifest = parseManifest(manifestBytes)
  assertManifestSigned(parseManifest(signatureFile), manifest, manifestBytes)
  assertCovered(archive, manifest, metadata)
  await assertFiles(archive, manifest, bytes.length)
  return { signature, signer }
}

type Metadata = {
  readonly manifestName: string
  readonly signatureFileName: string
  readonly signatureName: string
}

/** More than one signature is refused: the log could name only one, and which one nobody would know. */
function findMetadata(archive: Archive, limitBytes: number): Metadata {
  let manifestName: string | undefined
  const signatureFiles = new Map<string, string>()
  const signatures = new Map<string, string>()
  for (const path of archive.names) {
    const [directory, file, surplus] = path.toUpperCase().split('/', 3)
    if (directory !== 'META-INF' || file === undefined || surplus !== undefined) continue
    const dot = file.lastIndexOf('.')
    if (dot === -1) continue
    const size = archive.sizeOf(path) ?? 0
    if (size > limitBytes)
      throw new EntryError(
        'too_large',
        `uncompressed jar metadata of size ${size} exceeds max allowed size ${limitBytes}`,
      )
    const [base, extension] = [file.slice(0, dot), file.slice(dot)]
    if (file === 'MANIFEST.MF') manifestName = path
    else if (extension === '.SF') signatureFiles.set(base, path)
    else if (['.RSA', '.DSA', '.EC'].includes(extension) || file.startsWith('SIG-'))
      signatures.set(base, path)
  }
  if (manifestName === undefined) throw malformed('JAR contains no META-INF/MANIFEST.MF')
  const [signatureFile] = signatureFiles
  if (signatureFile === undefined) throw malformed('JAR contains no signatures')
  if (signatureFiles.size > 1 || signatures.size > 1)
    throw malformed('multiple signatures detected in JAR; unable to process')
  const [base, signatureFileName] = signatureFile
  const signatureName = signatures.get(base)
  if (signatureName === undefined)
    throw malformed(`JAR contains sigfile META-INF/${escaped(base)}.SF with no matching signature`)
  return { manifestName, signatureFileName, signatureName }
}

/** Some signers pad with zeros. */
function withoutPadding(signature: Uint8Array): Uint8Array {
  const { whole } = readDer(signature)
  if (signature.subarray(whole.length).some((byte) => byte !== 0))
    throw malformed('pkcs7: trailing garbage after PKCS#7 structure')
  return whole
}

/** The signature file has the digest of the whole manifest, or else one of each of its sections. */
function assertManifestSigned(signatureFile: Manifest, manifest: Manifest, manifestBytes: Uint8Array): void {
  const { attributes } = signatureFile.main
  if (matchDigests(digestsIn(attributes, '-Manifest'), manifestBytes, 'manifest signature')) return
  const mainDigests = digestsIn(attributes, '-Manifest-Main-Attributes')
  if (!matchDigests(mainDigests, manifest.main.bytes, 'manifest main attributes signature'))
    throw malformed('manifest main attributes signature: no recognized digests found')
  for (const name of manifest.files.keys())
    if (!signatureFile.files.has(name)) throw malformed(`section ${quoted(name)} of manifest is not signed`)
  for (const [name, section] of signatureFile.files) {
    const signed = manifest.files.get(name)
    if (signed === undefined) throw malformed(`manifest is missing signed section ${quoted(name)}`)
    const what = `manifest signature over section ${quoted(name)}`
    if (!matchDigests(digestsIn(section.attributes, ''), signed.bytes, what))
      throw malformed(`${what}: no recognized digests found`)
  }
}

/** Whoever adds a file without the key of the signer would otherwise log it as signed. */
function assertCovered(archive: Archive, manifest: Manifest, metadata: Metadata): void {
  const own = new Set(Object.values(metadata))
  for (const name of archive.names) {
    const isDirectory = name.endsWith('/') && archive.sizeOf(name) === 0
    if (!isDirectory && !own.has(name) && !manifest.files.has(name))
      throw malformed(`file ${quoted(name, 100)} is in JAR but not manifest`)
  }
}

type SignedFile = { readonly name: string; readonly digests: readonly NamedDigest[] }

async function assertFiles(archive: Archive, manifest: Manifest, archiveBytes: number): Promise<void> {
  let freeBytes = archiveBytes * freeHashedFactor
  let paidBytes = 0
  const files: SignedFile[] = []
  for (const [name, { attributes }] of manifest.files) {
    if ((attributes.get('magic') ?? '') !== '')
      throw malformed(`file ${quoted(name)} is signed in a way of its own ("Magic")`)
    const sizeBytes = archive.sizeOf(name)
    if (sizeBytes === undefined) throw malformed(`file ${escaped(name)} is in manifest but not JAR`)
    const digests = digestsIn(attributes, '')
    if (digests.length === 0)
      throw malformed(`file ${quoted(name)} in MANIFEST.MF: no recognized digests found`)
    freeBytes -= sizeBytes * Math.min(digests.length, freePasses)
    paidBytes += sizeBytes * Math.max(0, digests.length - freePasses)
    files.push({ name, digests })
  }
  spend((paidBytes + Math.max(0, -freeBytes)) / bytesPerUnit)
  spend(Math.max(0, files.length - archiveBytes / freeBytesPerFile) / filesPerUnit)
  for (const { name, digests } of files) {
    const calculated = await archive.digest(
      name,
      digests.map(({ algorithm }) => algorithm),
    )
    for (const [i, digest] of digests.entries())
      assertDigest(digest, calculated[i] ?? new Uint8Array(), `file ${quoted(name)} in MANIFEST.MF`)
  }
}

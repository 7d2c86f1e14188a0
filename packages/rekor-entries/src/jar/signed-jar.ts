/** A signed JAR (JAR File Specification, "Signed JAR File"): from its signature down to every file that it covers. */
import { readDer } from '@sigstack/crypto'
import { parseSignedData, type SignedData } from '../cms/signed-data.ts'
import { verifySignedData } from '../cms/verify-signed-data.ts'
import { EntryError } from '../errors.ts'
import { type Archive, openArchive } from './archive.ts'
import { assertDigest, digestsIn, type Manifest, malformed, matchDigests, parseManifest } from './manifest.ts'

/**
 * The one signature of a JAR in which signature, manifest and all files that the manifest names agree. `metadataLimitBytes` is for each
 * file of META-INF. Throws `bad_format`, `bad_signature`, `too_large`, or what CMS throws.
 */
export async function verifySignedJar(bytes: Uint8Array, metadataLimitBytes: number): Promise<SignedData> {
  const archive = await openArchive(bytes)
  const { manifestName, signatureFileName, signatureName } = findMetadata(archive, metadataLimitBytes)
  const signatureFile = await archive.read(signatureFileName)
  const manifestBytes = await archive.read(manifestName)
  const signature = parseSignedData(withoutPadding(await archive.read(signatureName)))
  await verifySignedData(signature, signatureFile)
  const manifest = parseManifest(manifestBytes)
  assertManifestSigned(parseManifest(signatureFile), manifest, manifestBytes)
  await assertFiles(archive, manifest)
  return signature
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
    throw malformed(`JAR contains sigfile META-INF/${base}.SF with no matching signature`)
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
  for (const [name, section] of signatureFile.files) {
    const signed = manifest.files.get(name)
    if (signed === undefined) throw malformed(`manifest is missing signed section ${quote(name)}`)
    const what = `manifest signature over section ${quote(name)}`
    if (!matchDigests(digestsIn(section.attributes, ''), signed.bytes, what))
      throw malformed(`${what}: no recognized digests found`)
  }
}

async function assertFiles(archive: Archive, manifest: Manifest): Promise<void> {
  for (const [name, { attributes }] of manifest.files) {
    // A file with its own way of being signed.
    if ((attributes.get('magic') ?? '') !== '') continue
    if (archive.sizeOf(name) === undefined)
      throw malformed(`file ${name.slice(0, 200)} is in manifest but not JAR`)
    const digests = digestsIn(attributes, '')
    if (digests.length === 0)
      throw malformed(`file ${quote(name)} in MANIFEST.MF: no recognized digests found`)
    const calculated = await archive.digest(
      name,
      digests.map(({ algorithm }) => algorithm),
    )
    for (const [i, digest] of digests.entries())
      assertDigest(digest, calculated[i] ?? new Uint8Array(), `file ${quote(name)} in MANIFEST.MF`)
  }
}

function quote(name: string): string {
  return JSON.stringify(name.slice(0, 200))
}

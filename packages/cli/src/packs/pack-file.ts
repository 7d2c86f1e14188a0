/** Images in one file, with the trusted root of the day beside them. */
import { sha256Hex } from '@sigstack/crypto'
import { type Archive, openArchive, type PackedImage, packedImages, referenceText } from '@sigstack/oci'
import { CliError } from '../errors.ts'
import { textOf } from '../io.ts'

export const trustName = 'trusted_root.json'
const mostTrustBytes = 1 << 20

/** Open while `use` runs. */
export async function withPack<Result>(
  path: string,
  use: (archive: Archive, images: readonly PackedImage[]) => Promise<Result>,
): Promise<Result> {
  const archive = await openArchive(path, [trustName])
  try {
    return await use(archive, packedImages(archive))
  } finally {
    await archive.close()
  }
}

export type PackedTrust = { readonly text: string; readonly sha256: string }

export async function trustOfPack(path: string, archive: Archive): Promise<PackedTrust | undefined> {
  const bytes = await archive.readFile(trustName, mostTrustBytes)
  if (bytes === undefined) return undefined
  return { text: textOf(bytes, `${trustName} of ${path}`, 'trusted root'), sha256: sha256Hex(bytes) }
}

/** The name of an image in the file, as a registry would have it. */
export function nameOf({ reference, entry }: PackedImage): string {
  return referenceText({ ...reference, ...(reference.tag === undefined && { digest: entry.digest }) })
}

/** Throws `bad_trust`: who made the file chose the trust in it, so somebody has to vouch for that. */
export function demandTrust(path: string, found: PackedTrust | undefined, checksum: string): string {
  if (found === undefined) throw new CliError('bad_trust', `${path} brings no trust along`)
  const wanted = checksum.toLowerCase().replace(/^sha256:/, '')
  if (!/^[0-9a-f]{64}$/.test(wanted))
    throw new CliError('bad_usage', '--trust-checksum must be sha256: and 64 hexadecimal digits')
  if (wanted === found.sha256) return found.text
  throw new CliError('bad_trust', `the trust in ${path} is another: it has sha256:${found.sha256}`, {
    advice: 'Do not believe it; ask whoever packed the images.',
  })
}

/** One image of an index, by the platform it is for. */
import { quoted } from '@sigstack/crypto'
import { isPlatform, parsePlatform, platformText } from '@sigstack/oci'
import { CliError } from '../errors.ts'
import type { Image } from './image.ts'

/** `text` is `os/architecture[/variant]`; undefined leaves the image as it is. */
export async function imageForPlatform(image: Image, text: string | undefined): Promise<Image> {
  if (text === undefined) return image
  const platform = parsePlatform(text)
  const { document } = await image.repository.readManifest(image.digest)
  if (document.kind === 'manifest')
    throw new CliError(
      'bad_usage',
      `specified reference is not a multiarch image: ${image.given} is no index, so leave out --platform`,
    )
  const [found, another] = document.manifests.filter((each) => isPlatform(each, platform))
  const there = document.manifests.flatMap((each) => (each.platform ? [platformText(each.platform)] : []))
  if (found === undefined)
    throw new CliError(
      'bad_usage',
      `the index has no image for ${quoted(text)}; it has ${quoted(there.join(', '), 500)}`,
    )
  if (another !== undefined)
    throw new CliError(
      'bad_usage',
      `the index has several images for ${quoted(text)}; name one of ${quoted(there.join(', '), 500)}`,
    )
  return { ...image, digest: found.digest }
}

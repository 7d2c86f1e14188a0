import { sha256Hex, utf8 } from '@sigstack/crypto'
import { createArchive, type Descriptor, type ImageToPack, packImages } from '@sigstack/oci'
import type { Command } from 'commander'
import { CliError } from '../../errors.ts'
import { demandOutput, demandWritable } from '../../files.ts'
import { findImage, type Image } from '../../images/image.ts'
import { tellSteps } from '../../images/progress.ts'
import { addRegistryOptions, openRegistries, type RegistryOptions } from '../../images/registry-options.ts'
import { demandTag } from '../../images/verdict.ts'
import type { Io } from '../../io.ts'
import { trustName } from '../../packs/pack-file.ts'
import { profileOption } from '../../profiles/profile-option.ts'
import { readTrustedRoot, type TrustOptions } from '../../trust-source.ts'
import { addPackPush } from './pack-push.ts'
import { addPackVerify } from './pack-verify.ts'

type Options = RegistryOptions &
  Pick<TrustOptions, 'trustedRoot' | 'profile' | 'data'> & { readonly out?: string; readonly json?: boolean }

export function addPack(program: Command, io: Io): void {
  const command = program
    // What stands behind the name of a command below is that command's.
    .enablePositionalOptions()
    .command('pack')
    .summary('carry images, signatures and trust in one file')
    .description(
      'Packs images with all that is attached to them, and with the trusted root of the day, into one file: an OCI layout as a tar, for a network that is closed.',
    )
    .argument('<image...>', 'what to pack, in registries')
    .option('-o, --out <file>', 'the file')
    .option(
      '--trusted-root <location>',
      'file or URL of the trusted root (default: of the profile in use, else of the running stack)',
    )
    .option(...profileOption)
    .option('--data <folder>', 'data folder of the running stack (default: SIGSTACK_DATA, else ./.sigstack)')
    .option('--json', 'tell the result as JSON on standard output')
  addRegistryOptions(command).action((images: readonly string[], options: Options) =>
    pack(io, images, options),
  )
  addPackVerify(command, io)
  addPackPush(command, io)
}

async function pack(io: Io, given: readonly string[], options: Options): Promise<void> {
  const { out } = options
  if (out === undefined) throw new CliError('bad_usage', "required option '-o, --out <file>' not specified")
  await demandOutput(out, [])
  await demandWritable([out])
  const trust = await trustToPack(io, options)
  const registries = await openRegistries(io, options)
  const images: Image[] = []
  for (const each of given) images.push(await demandTag(findImage(registries, each)))
  const progress = tellSteps(io)
  const archive = await createArchive(out)
  let entries: readonly Descriptor[]
  let bytes: number
  try {
    if (trust !== undefined) await archive.writeFile(trustName, utf8(trust))
    entries = await packImages(
      images.map(
        (image): ImageToPack => ({
          from: image.repository,
          reference: image.reference,
          digest: image.digest,
          ways: { attachedFrom: image.attachments, tagPrefix: image.tagPrefix, onStep: progress.onStep },
        }),
      ),
      archive,
    )
    bytes = await archive.finish(entries)
  } catch (error) {
    await archive.discard()
    throw error
  }
  const trustSha256 = trust === undefined ? undefined : sha256Hex(utf8(trust))
  if (options.json === true) {
    const told = images.map(({ given: image, digest }) => ({ image, digest }))
    io.out(`${JSON.stringify({ file: out, bytes, images: told, trustSha256 })}\n`)
  }
  io.err(
    `Packed ${images.length === 1 ? 'one image' : `${images.length} images`} into ${out}, ${bytes} bytes\n`,
  )
  if (trustSha256 !== undefined) io.err(`Its trust: sha256:${trustSha256}\n`)
}

/** What was signed with a key needs none. */
async function trustToPack(io: Io, options: Options): Promise<string | undefined> {
  try {
    return (await readTrustedRoot(io, options)).text
  } catch (cause) {
    if (!(cause instanceof CliError) || cause.code !== 'not_running') throw cause
    io.err('WARNING: no instance is trusted here, so the file brings no trust along; sigstack init URL\n')
    return undefined
  }
}

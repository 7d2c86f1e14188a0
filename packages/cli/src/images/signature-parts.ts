/** The parts of a signature as files of their own: what cosign writes of old signatures, and ours of bundles too. */
import { encodePem, encodePublicKeyPem, toBase64 } from '@sigstack/crypto'
import { encodeLegacyBundle } from '@sigstack/signing'
import { type Bundle, bundleOfParts, partsOfLayer, readBundle } from '@sigstack/verification'
import type { Command } from 'commander'
import { CliError } from '../errors.ts'
import { demandOutputs, writeOutput } from '../files.ts'
import type { Io } from '../io.ts'
import type { Signing } from '../signing/signing-options.ts'
import type { Attachment } from './make-signature.ts'

export type PartOptions = {
  readonly outputSignature?: string
  readonly outputPayload?: string
  readonly outputCertificate?: string
  readonly recursive?: boolean
}

export function addPartOptions(command: Command): Command {
  return command
    .option('--output-signature <file>', 'write the signature alone, in base64')
    .option('--output-payload <file>', 'write what is signed')
    .option('--output-certificate <file>', 'write the certificate or public key')
}

/** The places that are named. */
export function placesOf(options: PartOptions): readonly string[] {
  const { outputSignature, outputPayload, outputCertificate } = options
  return [outputSignature, outputPayload, outputCertificate].filter((place) => place !== undefined)
}

/** Before anything is signed. */
export function demandOnePlace(images: number, options: PartOptions): void {
  const [place] = placesOf(options)
  if (place === undefined || images === 1 || options.recursive === true) return
  throw new CliError('bad_usage', `${place} holds the parts of one image, and ${images} images are signed`)
}

/** Several signatures of one image stand on a line each; with --recursive, names end in the digest of the image. */
export async function writeParts(
  io: Io,
  made: readonly Attachment[],
  { credential }: Signing,
  options: PartOptions,
  inputs: readonly string[],
): Promise<void> {
  const places = placesOf(options)
  if (places.length === 0) return
  const byImage = Map.groupBy(made, ({ image }) => image.digest)
  for (const [digest, attachments] of byImage) {
    const named = (place: string): string =>
      options.recursive === true && place !== '-' ? `${place}-${digest.replace(':', '-')}` : place
    await demandOutputs(places.map(named), inputs)
    const write = async (place: string | undefined, content: string | Uint8Array): Promise<void> => {
      if (place !== undefined) await writeOutput(io, named(place), content, inputs)
    }
    const signed = attachments.map(signedOf)
    await write(
      options.outputSignature,
      signed.map(({ bundle }) => toBase64(bundle.content.signature)).join('\n'),
    )
    await write(options.outputPayload, joined(signed.map(({ payload }) => payload)))
    const [first] = signed
    await write(
      options.outputCertificate,
      first !== undefined && 'certificate' in first.bundle.material
        ? encodePem('CERTIFICATE', first.bundle.material.certificate)
        : encodePublicKeyPem(credential.key.publicKey),
    )
  }
}

/** Old signatures in the old form of a bundle, a line each. */
export function legacyBundlesOf(made: readonly Attachment[]): string {
  return made.map((attachment) => encodeLegacyBundle(signedOf(attachment).bundle)).join('\n')
}

type Signed = { readonly bundle: Bundle; readonly payload: Uint8Array }

/** Of the old form where it was made, as its parts are files. */
function signedOf({ layer, bundle: text }: Attachment): Signed {
  if (layer !== undefined) {
    const { payload } = layer.content
    const parts = partsOfLayer(layer.content)
    const content = {
      type: 'message',
      algorithm: 'sha256',
      digest: new Uint8Array(),
      signature: parts.signature,
    } as const
    return { bundle: bundleOfParts(parts, content), payload }
  }
  const bundle = readBundle(text ?? '')
  if (bundle.content.type !== 'envelope') throw new Error('the signature of an image is over a statement')
  return { bundle, payload: bundle.content.payload }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts.flatMap((part, at) => (at === 0 ? [part] : [Buffer.from('\n'), part])))
}

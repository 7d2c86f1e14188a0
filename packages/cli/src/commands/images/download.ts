import { CryptoError, parseBoundedJson, parsePemBlocks, reasonOf, toBase64 } from '@sigstack/crypto'
import { imageSignaturePredicateType, predicateTypeOfStatement, predicateTypeUri } from '@sigstack/signing'
import { layerAnnotations, readBundle, readEnvelope, type StoredLayer } from '@sigstack/verification'
import type { Command } from 'commander'
import { CliError } from '../../errors.ts'
import { findImage, type Image, placeOf, tagOf } from '../../images/image.ts'
import { imageForPlatform } from '../../images/platform.ts'
import { addRegistryOptions, openRegistries, type RegistryOptions } from '../../images/registry-options.ts'
import { readBundles } from '../../images/stored-bundles.ts'
import { type AttachedKind, readLayers } from '../../images/stored-layers.ts'
import { readSbom } from '../../images/stored-sbom.ts'
import type { Io } from '../../io.ts'

type Options = RegistryOptions & { readonly predicateType?: string; readonly platform?: string }

export function addDownload(program: Command, io: Io): void {
  const download = program
    .command('download')
    .summary('print what is attached to an image')
    .description('Prints signatures or attestations of an image as they are stored. Nothing is verified.')
  addRegistryOptions(
    download
      .command('signature')
      .summary('print signatures, one a line')
      .description('Prints the signatures of an image as JSON, one a line: bundles, then old ones.')
      .argument('<image>', 'an image in a registry'),
  ).action((image: string, options: Options) => downloadSignatures(io, image, options))
  addRegistryOptions(
    download
      .command('attestation')
      .summary('print attestations, one a line')
      .description('Prints the attestations of an image as JSON, one a line: bundles, then old envelopes.')
      .argument('<image>', 'an image in a registry')
      .option('--predicate-type <type>', 'only those of this type')
      .option('--platform <platform>', 'of this image of an index, as in linux/amd64'),
  ).action((image: string, options: Options) => downloadAttestations(io, image, options))
  addRegistryOptions(
    download
      .command('sbom')
      .summary('print the SBOM of an old tag')
      .description('Prints the SBOM that is attached under the old tag. Nobody has signed it.')
      .argument('<image>', 'an image in a registry')
      .option('--platform <platform>', 'of this image of an index, as in linux/amd64'),
  ).action((image: string, options: Options) => downloadSbom(io, image, options))
}

export async function downloadSbom(io: Io, given: string, options: Options): Promise<void> {
  io.err(
    "WARNING: Downloading SBOMs this way does not ensure its authenticity. If you want to ensure a tamper-proof SBOM, download it using 'sigstack download attestation <image uri>'.\n",
  )
  const image = await findImage(await openRegistries(io, options), given)
  const sbom = await readSbom(await imageForPlatform(image, options.platform))
  if (sbom === undefined) throw new CliError('not_verified', 'no sbom attached to reference')
  io.err(`Found SBOM of media type: ${sbom.mediaType}\n`)
  io.file(sbom.bytes)
}

export async function downloadSignatures(io: Io, given: string, options: Options): Promise<void> {
  const image = await findImage(await openRegistries(io, options), given)
  const bundles = await bundlesOf(io, image, (type) => type === imageSignaturePredicateType)
  const old = await layersOf(io, image, 'sig', signatureJson)
  tell(io, [...bundles, ...old], `${given}: no signatures associated`)
}

export async function downloadAttestations(io: Io, given: string, options: Options): Promise<void> {
  const image = await findImage(await openRegistries(io, options), given)
  const wanted = options.predicateType === undefined ? undefined : predicateTypeUri(options.predicateType)
  const isWanted = (type: string): boolean =>
    wanted === undefined ? type !== imageSignaturePredicateType : type === wanted
  const target = await imageForPlatform(image, options.platform)
  const bundles = await bundlesOf(io, target, isWanted)
  const envelopes = await layersOf(io, target, 'att', ({ payload }) => Buffer.from(payload).toString('utf8'))
  const old = envelopes.filter((text) => isWanted(typeOf(() => readEnvelope(text).payload)))
  const found = [...bundles, ...old]
  const none = `${given}: no attestations found`
  // With nothing to choose from cosign prints nothing and ends well, and scripts count the lines.
  if (found.length === 0 && wanted === undefined) io.err(`${none}\n`)
  else tell(io, found, none)
}

function tell(io: Io, lines: readonly string[], none: string): void {
  if (lines.length === 0) throw new CliError('not_verified', none)
  for (const line of lines) io.out(`${line.replaceAll('\n', ' ').trim()}\n`)
}

async function bundlesOf(
  io: Io,
  image: Image,
  isWanted: (predicateType: string) => boolean,
): Promise<readonly string[]> {
  const found: string[] = []
  for await (const stored of readBundles(image)) {
    if ('refusal' in stored) io.err(`WARNING: bundle ${stored.digest}: ${stored.refusal}\n`)
    else if (isWanted(typeOf(() => payloadIn(stored.text)))) found.push(stored.text)
  }
  return found
}

/** What is made of each layer of an old tag; those of which nothing can be made are told of. */
async function layersOf(
  io: Io,
  image: Image,
  kind: AttachedKind,
  textOf: (layer: StoredLayer) => string,
): Promise<readonly string[]> {
  const found: string[] = []
  for await (const layer of readLayers(image, kind)) {
    const warn = (reason: string): void =>
      io.err(
        `WARNING: layer ${layer.descriptor.digest} of ${placeOf(image, tagOf(image, kind))}: ${reason}\n`,
      )
    if ('refusal' in layer) {
      warn(layer.refusal)
      continue
    }
    try {
      found.push(textOf(layer))
    } catch (error) {
      if (!(error instanceof CryptoError || error instanceof SyntaxError)) throw error
      warn(`its annotations cannot be read: ${reasonOf(error)}`)
    }
  }
  return found
}

function payloadIn(bundle: string): Uint8Array {
  const { content } = readBundle(bundle, { allowCertificateChain: true })
  return content.type === 'envelope' ? content.payload : new Uint8Array()
}

/** Empty where it is no statement: who verifies is told why. */
function typeOf(read: () => Uint8Array): string {
  try {
    return predicateTypeOfStatement(Buffer.from(read()).toString('utf8'))
  } catch {
    return ''
  }
}

/** Cosign's form, of which the certificate is given as its bytes alone. */
function signatureJson({ payload, annotations }: StoredLayer): string {
  const json = (name: keyof typeof layerAnnotations): unknown => {
    const text = annotations[layerAnnotations[name]]
    return text === undefined ? null : parseBoundedJson(text)
  }
  const [certificate] = certificatesIn(annotations[layerAnnotations.certificate])
  const chain = certificatesIn(annotations[layerAnnotations.chain])
  return JSON.stringify({
    Base64Signature: annotations[layerAnnotations.signature] ?? '',
    Payload: toBase64(payload),
    Cert: certificate ?? null,
    Chain: chain.length > 0 ? chain : null,
    Bundle: json('bundle'),
    RFC3161Timestamp: json('timestamp'),
  })
}

function certificatesIn(pem: string | undefined): readonly { readonly Raw: string }[] {
  return pem === undefined ? [] : parsePemBlocks(pem, 11).map(({ der }) => ({ Raw: toBase64(der) }))
}

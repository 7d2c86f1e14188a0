import { isObject, parseStrictJson, StrictJsonError } from '@sigstack/crypto'
import { repositoryText } from '@sigstack/oci'
import {
  envelopeLayer,
  predicateTypeOfStatement,
  signatureLayer,
  simpleSigningPayload,
  statementPayloadType,
} from '@sigstack/signing'
import { isLegacyBundle, readBundle, readEnvelope, readRekorBundle } from '@sigstack/verification'
import { type Command, Option } from 'commander'
import { collect } from '../../collect.ts'
import { CliError } from '../../errors.ts'
import { readInput, readTextInput } from '../../files.ts'
import { findImage, type Image, placeOf, tagOf } from '../../images/image.ts'
import { addRegistryOptions, openRegistries, type RegistryOptions } from '../../images/registry-options.ts'
import { pushBundle } from '../../images/stored-bundles.ts'
import { appendLayer } from '../../images/stored-layers.ts'
import { sbomForms, sbomMediaType, sbomTypes, writeSbom } from '../../images/stored-sbom.ts'
import { warnOfTag } from '../../images/warn-of-tag.ts'
import { type Io, textOf } from '../../io.ts'
import { readCertificates } from '../../signing/key-credential.ts'
import { readSignature } from '../../verifying/read-signed.ts'

type SignatureOptions = RegistryOptions & {
  readonly signature?: string
  readonly payload?: string
  readonly bundle?: string
  readonly certificate?: string
  readonly certificateChain?: string
  readonly tsr?: string
  readonly rekorResponse?: string
}
type AttestationOptions = RegistryOptions & { readonly attestation?: readonly string[] }
type SbomOptions = RegistryOptions & {
  readonly sbom?: string
  readonly type: (typeof sbomTypes)[number]
  readonly inputFormat?: (typeof sbomForms)[number]
}

export function addAttach(program: Command, io: Io): void {
  const attach = program
    .command('attach')
    .summary('attach to an image what was made elsewhere')
    .description('Attaches signatures, attestations or SBOMs that were made elsewhere. Nothing is verified.')
  addRegistryOptions(
    attach
      .command('signature')
      .summary('attach a signature: a bundle, or the parts of an old one')
      .description('Attaches a bundle as a referrer, or the parts of an old signature under the old tag.')
      .argument('<image>', 'an image in a registry')
      .option('--bundle <file>', 'the bundle')
      .option('--payload <file>', 'what the old signature is over, or a bundle')
      .option('--signature <file>', 'the old signature in base64; - is standard input')
      .option('--certificate <file>', 'certificate of the signer, in PEM')
      .option('--certificate-chain <file>', 'what is above it, in PEM, its root last')
      .option('--tsr <file>', 'timestamp of the old signature: an RFC 3161 response')
      .option('--rekor-response <file>', 'its entry in the log, as cosign keeps it'),
  ).action((image: string, options: SignatureOptions) => attachSignature(io, image, options))
  addRegistryOptions(
    attach
      .command('attestation')
      .summary('attach attestations: bundles, or old envelopes')
      .description('Attaches bundles as referrers, and envelopes (one or more a file) under the old tag.')
      .argument('<image>', 'an image in a registry')
      .option('--attestation <file>', 'a bundle, or envelopes; may be repeated', collect),
  ).action((image: string, options: AttestationOptions) => attachAttestations(io, image, options))
  addRegistryOptions(
    attach
      .command('sbom')
      .summary('attach an SBOM that nobody has signed')
      .description('Attaches an SBOM under the old tag, in place of the one there. Better sign it: attest.')
      .argument('<image>', 'an image in a registry')
      .option('--sbom <file>', 'the SBOM; - is standard input')
      .addOption(new Option('--type <type>', 'its kind').choices(sbomTypes).default('spdx'))
      .addOption(new Option('--input-format <form>', 'its form').choices(sbomForms)),
  ).action((image: string, options: SbomOptions) => attachSbom(io, image, options))
}

export async function attachSignature(io: Io, given: string, options: SignatureOptions): Promise<void> {
  const { payload: path = options.bundle, signature, certificateChain, rekorResponse, tsr } = options
  const image = await findImage(await openRegistries(io, options), given)
  const payload = path === undefined ? impliedPayload(io, image) : await readInput(io, path)
  const text = path === undefined ? undefined : bundleIn(payload)
  if (text !== undefined) return attachBundle(io, image, text)
  if (signature === undefined)
    throw new CliError('bad_usage', '--signature is required where there is no bundle')
  if (certificateChain !== undefined && options.certificate === undefined)
    throw new CliError('bad_usage', '--certificate-chain is what is above --certificate; give both')
  const bytes = await readSignature(io, signature)
  if (bytes.length === 0) throw new CliError('bad_bundle', 'empty signature')
  const [leaf] =
    options.certificate === undefined ? [] : await readCertificates(options.certificate, 'certificate')
  const issuers =
    certificateChain === undefined ? [] : await readCertificates(certificateChain, 'certificate chain')
  const chain = leaf && { leaf: leaf.der, issuers: issuers.map(({ der }) => der) }
  const layer = signatureLayer(payload, bytes, chain, {
    entries: rekorResponse === undefined ? [] : [readRekorBundle(await entryText(io, rekorResponse))],
    timestamps: tsr === undefined ? [] : [await readInput(io, tsr)],
  })
  await appendLayer(image, 'sig', layer)
}

export async function attachAttestations(io: Io, given: string, options: AttestationOptions): Promise<void> {
  const { attestation: paths = [] } = options
  if (paths.length === 0) throw new CliError('bad_usage', '--attestation is required')
  const image = await findImage(await openRegistries(io, options), given)
  warnOfTag(io, image)
  for (const path of paths) {
    const bytes = await readInput(io, path)
    const bundle = bundleIn(bytes)
    if (bundle !== undefined) await attachBundle(io, image, bundle)
    else
      for (const envelope of envelopesIn(textOf(bytes, path, 'attestation')))
        await appendLayer(image, 'att', layerOfEnvelope(envelope, path))
  }
}

export async function attachSbom(io: Io, given: string, options: SbomOptions): Promise<void> {
  const { sbom, type, inputFormat } = options
  if (sbom === undefined) throw new CliError('bad_usage', '--sbom is required')
  const mediaType = sbomMediaType(type, inputFormat, sbom)
  io.err(
    `WARNING: Attaching SBOMs this way does not sign them. To sign them, use 'sigstack attest --predicate ${sbom} --type ${type}json'.\n`,
  )
  const bytes = await readInput(io, sbom)
  const image = await findImage(await openRegistries(io, options), given)
  const place = placeOf(image, tagOf(image, 'sbom'))
  io.err(`Uploading SBOM file for [${given}] to [${place}] with mediaType [${mediaType}].\n`)
  await writeSbom(image, mediaType, bytes)
}

async function attachBundle(io: Io, image: Image, text: string): Promise<void> {
  const { version, content } = readBundle(text, { allowCertificateChain: true })
  if (version !== '0.3')
    throw new CliError('bad_bundle', `a bundle of version ${version} is read by nobody in a registry`, {
      advice: 'sigstack bundle upgrade makes one of version 0.3 of it.',
    })
  if (content.type !== 'envelope') throw new CliError('bad_bundle', 'bundle does not have DSSE envelope')
  const predicateType = predicateTypeOfStatement(Buffer.from(content.payload).toString('utf8'))
  io.err(`Pushing bundle to: ${repositoryText(image.attachments.name)}\n`)
  await pushBundle(image, text, predicateType, new Date())
}

/** Undefined where it does not claim to be one. */
function bundleIn(bytes: Uint8Array): string | undefined {
  const text = Buffer.from(bytes).toString('utf8').trim()
  const value = objectIn(text)
  return typeof value?.['mediaType'] === 'string' && 'verificationMaterial' in value ? text : undefined
}

/** One document, or one a line. */
function envelopesIn(text: string): readonly string[] {
  if (objectIn(text) !== undefined) return [text.trim()]
  return text.split('\n').flatMap((line) => (line.trim() === '' ? [] : [line.trim()]))
}

function objectIn(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value = parseStrictJson(text, { mostNames: 1_000_000 })
    return isObject(value) ? value : undefined
  } catch (error) {
    if (error instanceof StrictJsonError) return undefined
    throw error
  }
}

function layerOfEnvelope(text: string, path: string): ReturnType<typeof envelopeLayer> {
  const { payload, payloadType } = readEnvelope(text)
  if (payloadType !== statementPayloadType)
    throw new CliError(
      'bad_bundle',
      `invalid payloadType ${payloadType} on envelope of ${path}. Expected ${statementPayloadType}`,
    )
  return envelopeLayer(Buffer.from(text), predicateTypeOfStatement(Buffer.from(payload).toString('utf8')))
}

/** What cosign signs where nobody says anything else. */
function impliedPayload(io: Io, { reference, digest }: Image): Uint8Array {
  io.err(
    `WARNING: using obsolete implied signature payload data (with digested reference ${repositoryText(reference)}@${digest}); specify it explicitly with --payload instead\n`,
  )
  return simpleSigningPayload({ reference: repositoryText(reference), digest })
}

/** The entry itself, or cosign's old bundle of a file, which holds it. */
async function entryText(io: Io, path: string): Promise<string> {
  const text = await readTextInput(io, path, 'entry of the log')
  if (!isLegacyBundle(text)) return text
  const { rekorBundle } = JSON.parse(text) as { readonly rekorBundle?: unknown }
  if (rekorBundle === undefined) throw new CliError('bad_bundle', `${path} holds no rekorBundle`)
  return JSON.stringify(rekorBundle)
}

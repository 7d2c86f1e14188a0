/** A signature of an image that the caller brings along, in place of those beside the image: the options of cosign for it. */
import { encodePem, toBase64 } from '@sigstack/crypto'
import { repositoryText } from '@sigstack/oci'
import { simpleSigningPayload } from '@sigstack/signing'
import { layerAnnotations, type StoredLayer } from '@sigstack/verification'
import { CliError } from '../errors.ts'
import type { Io } from '../io.ts'
import { readBytes } from '../location.ts'
import { readCertificates } from '../signing/key-credential.ts'
import { readSignature } from '../verifying/read-signed.ts'
import type { AttachedImage } from './image.ts'

export type GivenOptions = {
  readonly signature?: string
  readonly payload?: string
  readonly certificate?: string
  readonly sct?: string
  readonly localImage?: boolean
}

/** What is given along, read before anything is asked. */
export type Given = {
  readonly signature: Uint8Array | undefined
  readonly payload: Uint8Array | undefined
  /** PEM; of whoever signed, where the signature does not say it. */
  readonly certificate: string | undefined
}

/** Throws `bad_usage` for a payload without its signature. */
export async function readGiven(io: Io, options: GivenOptions): Promise<Given> {
  const { signature, payload, certificate } = options
  if (payload !== undefined && signature === undefined)
    throw new CliError('bad_usage', '--payload is what a signature is over, which --signature must name')
  if (options.sct !== undefined && certificate === undefined)
    throw new CliError('bad_usage', '--sct is of the certificate that --certificate names')
  if (signature !== undefined && options.localImage === true)
    throw new CliError('bad_usage', '--signature is of an image in a registry, not of --local-image')
  return {
    signature: signature === undefined ? undefined : await readSignature(io, signature),
    payload: payload === undefined ? undefined : await readBytes(payload, 'payload'),
    certificate: certificate === undefined ? undefined : await readLeaf(certificate),
  }
}

async function readLeaf(path: string): Promise<string> {
  const [leaf] = await readCertificates(path, 'certificate')
  if (leaf === undefined) throw new CliError('unreadable', `${path} holds no certificate`)
  return encodePem('CERTIFICATE', leaf.der)
}

/** As a layer of an old tag. Without a payload, the one that cosign makes of the image and nothing else. */
export function layerOfGiven({ attachments, digest }: AttachedImage, given: Given): StoredLayer {
  const reference = attachments.name === undefined ? '' : repositoryText(attachments.name)
  return {
    payload: given.payload ?? simpleSigningPayload({ reference, digest }),
    annotations: { [layerAnnotations.signature]: toBase64(given.signature ?? new Uint8Array()) },
  }
}

/** The parts of the signature of a file as files of their own, as cosign writes them. */
import { encodePem, toBase64 } from '@sigstack/crypto'
import { encodeEnvelope } from '@sigstack/signing'
import type { Bundle } from '@sigstack/verification'
import { writeOutput } from '../files.ts'
import type { Io } from '../io.ts'
import { timestampFile } from '../verifying/timestamp-file.ts'

/** Where each goes. */
export type BlobParts = {
  readonly signature: string | undefined
  /** The statement, where one was signed. */
  readonly statement?: string | undefined
  readonly certificate: string | undefined
  readonly timestamp: string | undefined
}

/** The places that are named. */
export function placesOfParts(parts: BlobParts): readonly string[] {
  return Object.values(parts).filter((place) => place !== undefined)
}

/** What stands for the signature where it is alone: of a statement the envelope, else base64. */
export function signatureAlone({ content }: Bundle): string {
  return content.type === 'envelope' ? encodeEnvelope(content) : toBase64(content.signature)
}

/** `onAbsent` is told which place gets nothing, since there is no such part. */
export async function writeBlobParts(
  io: Io,
  bundle: Bundle,
  parts: BlobParts,
  inputs: readonly string[],
  onAbsent: (told: string) => void,
): Promise<void> {
  const { content, material } = bundle
  const [timestamp] = bundle.timestamps
  const write = async (place: string | undefined, part: string | Uint8Array | undefined, why: string) => {
    if (place === undefined) return
    if (part === undefined) onAbsent(`${why}, so ${place} is not written`)
    else await writeOutput(io, place, part, inputs)
  }
  const certificate = 'certificate' in material ? encodePem('CERTIFICATE', material.certificate) : undefined
  await write(parts.signature, signatureAlone(bundle), '')
  await write(
    parts.statement,
    content.type === 'envelope' ? content.payload : undefined,
    'no statement was signed',
  )
  await write(parts.certificate, certificate, 'the key has no certificate')
  await write(parts.timestamp, timestamp && timestampFile(timestamp), 'nobody stamped the signature')
}

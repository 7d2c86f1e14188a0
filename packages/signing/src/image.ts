/** Signatures and attestations of images as bundles. */
import { type SignedBundle, type SignOptions, signEnvelope } from './sign.ts'
import { imageStatement, statementPayloadType } from './statements/statement.ts'

/** `digest` is that of the manifest, `sha256:` and hex. */
export async function signImage(
  {
    digest,
    annotations,
  }: { readonly digest: string; readonly annotations?: Readonly<Record<string, string>> | undefined },
  options: SignOptions,
): Promise<SignedBundle> {
  const [algorithm = '', hex = ''] = digest.split(':')
  return signStatement(imageStatement({ [algorithm]: hex }, annotations), options)
}

/** A statement about an image or a file; its bytes are signed as they are. */
export async function signStatement(statement: Uint8Array, options: SignOptions): Promise<SignedBundle> {
  return signEnvelope({ payload: statement, payloadType: statementPayloadType }, options)
}

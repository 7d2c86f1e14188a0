/** Signed documents: made, written as text, and read back. */
import { parseBoundedJson, parseUtf8, type Signer, toHex, utf8 } from '@sigstack/crypto'
import { canonicalize } from '@tufjs/canonical-json'
import {
  Metadata,
  MetadataKind,
  type Root,
  Signature,
  type Snapshot,
  type Targets,
  type Timestamp,
} from '@tufjs/models'
import { TufError } from './errors.ts'
import { tufKey } from './key.ts'

export type Document = Root | Targets | Snapshot | Timestamp

export const specVersion = '1.0.31'

/** What the strictest client takes of each: sigstore-java of all, the others of a timestamp. */
export const metadataLimitBytes = {
  root: 99_000,
  targets: 99_000,
  snapshot: 99_000,
  timestamp: 16_384,
} as const

/** Signed once by each signer, over the canonical JSON of the document. */
export async function signDocument<T extends Document>(
  document: T,
  signers: readonly Signer[],
): Promise<Metadata<T>> {
  const message = utf8(canonicalize(document.toJSON()))
  const metadata = new Metadata<T>(document)
  for (const signer of signers) {
    const { keyID } = tufKey(signer.publicKey)
    metadata.signatures[keyID] = new Signature({ keyID, sig: toHex(await signer.sign(message)) })
  }
  return metadata
}

/** The file's bytes. Throws `too_large` for what some client would refuse. */
export function encodeMetadata(metadata: Metadata<Document>): Uint8Array {
  const bytes = utf8(`${JSON.stringify(metadata.toJSON(), null, 1)}\n`)
  const { type } = metadata.signed
  if (bytes.length > metadataLimitBytes[type])
    throw new TufError(
      'too_large',
      `the ${type} metadata has ${bytes.length} bytes; clients take at most ${metadataLimitBytes[type]}`,
    )
  return bytes
}

type DocumentOf = {
  readonly root: Root
  readonly targets: Targets
  readonly snapshot: Snapshot
  readonly timestamp: Timestamp
}

/** Parses a file. Throws `damaged`; signatures are not looked at. */
export function parseMetadata<Role extends keyof DocumentOf>(
  role: Role,
  bytes: Uint8Array,
): Metadata<DocumentOf[Role]> {
  try {
    if (bytes.length > metadataLimitBytes[role]) throw new Error('too large')
    const kind = MetadataKind[kindOf[role]]
    // The overloads of the library want a literal; each kind yields its own document.
    return Metadata.fromJSON(
      kind as MetadataKind.Root,
      parseBoundedJson(parseUtf8(bytes) ?? '') as Parameters<typeof Metadata.fromJSON>[1],
    ) as Metadata<Document> as Metadata<DocumentOf[Role]>
  } catch (cause) {
    throw new TufError('damaged', `the ${role} metadata cannot be read`, { cause })
  }
}

const kindOf = { root: 'Root', targets: 'Targets', snapshot: 'Snapshot', timestamp: 'Timestamp' } as const

/** Whether enough keys of the role, as `root` names them, signed the document. */
export function isSignedFor(
  root: Metadata<Root>,
  role: keyof DocumentOf,
  document: Metadata<Document>,
): boolean {
  try {
    root.verifyDelegate(role, document)
    return true
  } catch {
    return false
  }
}

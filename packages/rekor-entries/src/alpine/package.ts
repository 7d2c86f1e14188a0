/** An apk of version 2: three gzip members, for signature, control and data. */
import { createHash } from 'node:crypto'
import { equalBytes, parseHex, parsePemBlock, quoted, toHex } from '@sigstack/crypto'
import { extract } from 'tar-stream'
import { EntryError } from '../errors.ts'
import { parsing } from '../foreign.ts'
import { readGzipMember } from './gzip-member.ts'
import { parsePkginfo } from './pkginfo.ts'

export type AlpinePackage = {
  readonly signature: Uint8Array
  /** The compressed control member, which is what the signature is over. */
  readonly signedBytes: Uint8Array
  readonly pkginfo: ReadonlyMap<string, string>
}

/** The control member holds scripts beside the metadata, so it may be larger than this. */
const controlFactor = 4
const fileLimit = 256

/**
 * Parses a package whose data has the digest that its metadata names. `metadataLimitBytes` is for the unpacked signature member
 * and for `.PKGINFO`. Throws `bad_format` and `too_large`.
 */
export async function parseAlpinePackage(
  file: Uint8Array,
  metadataLimitBytes: number,
): Promise<AlpinePackage> {
  const signatureMember = readGzipMember(file, 0, metadataLimitBytes, 'signature.tar.gz')
  const control = readGzipMember(
    file,
    signatureMember.end,
    controlFactor * metadataLimitBytes,
    'control.tar.gz',
  )
  const signature = await readFile(signatureMember.content, isSignature, metadataLimitBytes)
  if (signature === undefined) throw new EntryError('bad_format', 'no signature detected in alpine package')
  const info = await readFile(control.content, (name) => name === '.PKGINFO', metadataLimitBytes)
  if (info === undefined) throw new EntryError('bad_format', '.PKGINFO file was not located')
  const pkginfo = parsePkginfo(new TextDecoder().decode(info))
  assertDataHash(file.subarray(control.end), pkginfo.get('datahash') ?? '')
  return {
    signature: signatureBytes(signature),
    signedBytes: file.subarray(signatureMember.end, control.end),
    pkginfo,
  }
}

/** Nobody signed this member: with anything else in it, a stranger's file would be logged as signed. */
function isSignature(name: string): boolean {
  if (!name.startsWith('.SIGN'))
    throw new EntryError('bad_format', `the signature member holds ${quoted(name, 100)}`)
  return true
}

/** The content of the first file with such a name. */
async function readFile(
  tar: Uint8Array,
  isWanted: (name: string) => boolean,
  limitBytes: number,
): Promise<Uint8Array | undefined> {
  return parsing('getting next entry in tar archive', async () => {
    const archive = extract()
    archive.end(tar)
    let found: Uint8Array | undefined
    let count = 0
    for await (const entry of archive) {
      if (++count > fileLimit)
        throw new EntryError('too_large', `more than ${fileLimit} files in the metadata`)
      const { name, size } = entry.header
      if (isWanted(name) && found === undefined) {
        if (size > limitBytes)
          throw new EntryError(
            'too_large',
            `uncompressed ${name} file size ${size} exceeds max allowed size ${limitBytes}`,
          )
        found = await contentOf(entry)
      } else entry.resume()
    }
    return found
  })
}

async function contentOf(entry: AsyncIterable<unknown>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of entry) if (chunk instanceof Uint8Array) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** In PEM of any type, or as it is. */
function signatureBytes(content: Uint8Array): Uint8Array {
  const text = Buffer.from(content).toString('latin1')
  return text.includes('-----BEGIN ') ? parsePemBlock(text).block.der : content
}

function assertDataHash(data: Uint8Array, datahash: string): void {
  const given = parseHex(datahash)
  const computed = createHash('sha256').update(data).digest()
  if (!equalBytes(computed, given))
    throw new EntryError(
      'bad_format',
      `checksum for data.tar.gz (${toHex(computed)}) does not match value from .PKGINFO (${toHex(given)})`,
    )
}

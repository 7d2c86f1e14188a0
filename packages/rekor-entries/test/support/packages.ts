/** Packages made for tests: what real ones look like, with anything about them changed. */
import { createHash, type KeyObject, sign } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { zipSync } from 'fflate'
import { pack } from 'tar-stream'

export type TarFile = { readonly name: string; readonly content: string | Uint8Array }

/** Without the two empty blocks at the end where `isOpen`, as abuild writes the first two members. */
export async function tar(files: readonly TarFile[], isOpen = false): Promise<Buffer> {
  const archive = pack()
  for (const { name, content } of files) archive.entry({ name, mtime: new Date(0) }, Buffer.from(content))
  archive.finalize()
  const chunks: Buffer[] = []
  for await (const chunk of archive) chunks.push(chunk as Buffer)
  const whole = Buffer.concat(chunks)
  return isOpen ? whole.subarray(0, -1024) : whole
}

export type ApkParts = {
  readonly pkginfo?: string
  readonly data?: Uint8Array
  readonly datahash?: string
  readonly signatureFiles?: (signature: Buffer) => readonly TarFile[]
  readonly controlFiles?: (pkginfo: string) => readonly TarFile[]
}

/** An apk signed by `privateKey`, whole unless told otherwise. */
export async function apk(privateKey: KeyObject, parts: ApkParts = {}): Promise<Buffer> {
  const data = parts.data ?? gzipSync('data')
  const datahash = parts.datahash ?? createHash('sha256').update(data).digest('hex')
  const pkginfo = `${parts.pkginfo ?? 'pkgname = test\n'}datahash = ${datahash}\n`
  const control = gzipSync(
    await tar(parts.controlFiles?.(pkginfo) ?? [{ name: '.PKGINFO', content: pkginfo }], true),
  )
  const signature = sign('sha1', control, privateKey)
  const signatureFiles = parts.signatureFiles?.(signature) ?? [
    { name: '.SIGN.RSA.test.rsa.pub', content: signature },
  ]
  return Buffer.concat([gzipSync(await tar(signatureFiles, true)), control, data])
}

const sha256 = (content: string | Uint8Array) => createHash('sha256').update(content).digest('base64')

/** A section of a manifest, with the digest of `content` unless another line is given. */
export const section = (name: string, content: string | Uint8Array, line?: string) =>
  `Name: ${name}\r\n${line ?? `SHA-256-Digest: ${sha256(content)}`}\r\n\r\n`

export type JarParts = {
  readonly sections: readonly string[]
  readonly files: Readonly<Record<string, string | Uint8Array>>
  /** The signature file from the manifest's first section; by default one with the digest of the whole. */
  readonly signatureFile?: (main: string) => string
  readonly signed: (content: Uint8Array) => Uint8Array
}

export function jarFileOf({ sections, files, signatureFile, signed }: JarParts): Uint8Array {
  const main = 'Manifest-Version: 1.0\r\n\r\n'
  const manifest = [main, ...sections].join('')
  const text =
    signatureFile?.(main) ?? `Signature-Version: 1.0\r\nSHA-256-Digest-Manifest: ${sha256(manifest)}\r\n\r\n`
  const meta = {
    'META-INF/MANIFEST.MF': manifest,
    'META-INF/X.SF': text,
    'META-INF/X.EC': signed(Buffer.from(text)),
  }
  const all = Object.entries({ ...meta, ...files }).map(
    ([name, content]) => [name, Buffer.from(content)] as const,
  )
  return zipSync(Object.fromEntries(all))
}

/** A tag, its type, its count and its value. */
type RpmEntry = readonly [tag: number, type: number, count: number, value: Uint8Array]

/** A header structure of an RPM file. */
export function rpmHeader(entries: readonly RpmEntry[]): Buffer {
  const numbers = (...values: readonly number[]) => {
    const bytes = Buffer.alloc(values.length * 4)
    for (const [i, value] of values.entries()) bytes.writeUInt32BE(value, i * 4)
    return bytes
  }
  let offset = 0
  const table: Buffer[] = []
  const store: Uint8Array[] = []
  for (const [tag, type, count, value] of entries) {
    table.push(numbers(tag, type, offset, count))
    store.push(value)
    offset += value.length
  }
  return Buffer.concat([numbers(0x8eade801, 0, entries.length, offset), ...table, ...store])
}

export function rpmFileOf(signatures: readonly RpmEntry[], header: Buffer, payload: Uint8Array): Buffer {
  const first = rpmHeader(signatures)
  const lead = Buffer.concat([Buffer.from('edabeedb', 'hex'), Buffer.alloc(92)])
  return Buffer.concat([lead, first, Buffer.alloc((8 - (first.length % 8)) % 8), header, payload])
}

/** Packages made for tests: what real ones look like, with anything about them changed. */
import { createHash, type KeyObject, sign } from 'node:crypto'
import { gzipSync } from 'node:zlib'
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

/** What TLS towards registries is told by flags and the environment, read from files. */
import type { TlsSettings } from '@sigstack/http-client'
import { fileReason, readFileBounded } from '@sigstack/http-client/files'
import type { Environment } from './ambient-credentials.ts'
import { OciError } from './errors.ts'

export type TlsFiles = {
  /** `--registry-cacert`: in place of the roots of this machine. */
  readonly caFile?: string | undefined
  /** `--registry-client-cert` and `--registry-client-key`, together. */
  readonly certFile?: string | undefined
  readonly keyFile?: string | undefined
  /** `--registry-server-name`. */
  readonly serverName?: string | undefined
}

/** More than the roots of any system. */
const mostBytes = 4 << 20

/** Undefined where nothing is set. `SSL_CERT_FILE` counts where no file of roots is named, as in Go. */
export async function readTlsFiles(
  { caFile, certFile, keyFile, serverName }: TlsFiles,
  environment: Environment,
): Promise<TlsSettings | undefined> {
  const roots = caFile || environment.SSL_CERT_FILE || undefined
  if ((certFile === undefined) !== (keyFile === undefined))
    throw new OciError('bad_tls', 'a client certificate and its key are given together, or neither of them')
  if ([roots, certFile, serverName].every((each) => each === undefined)) return undefined
  const [ca, cert, key] = await Promise.all([
    readPem(roots, 'CERTIFICATE-----'),
    readPem(certFile, 'CERTIFICATE-----'),
    readPem(keyFile, 'PRIVATE KEY-----'),
  ])
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(serverName !== undefined && { serverName }),
  }
}

async function readPem(file: string | undefined, label: string): Promise<string | undefined> {
  if (file === undefined) return undefined
  const bytes = await readFileBounded(file, mostBytes).catch((cause: unknown) => {
    throw new OciError('bad_tls', `${file} cannot be read: ${fileReason(cause)}`, { cause })
  })
  const text = bytes.toString()
  if (text.includes(label)) return text
  throw new OciError('bad_tls', `${file} has no block that ends its first line with ${label}; it must be PEM`)
}
